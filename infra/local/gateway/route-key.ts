/** A route of an HTTP API, parsed. */
export type RouteKey = {
  /** As in the template, such as `GET /chefs/{chefId}` or `$default`. */
  readonly text: string
  /** `ANY` for every method; undefined for `$default`. */
  readonly method?: string
  readonly segments: readonly Segment[]
}

type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'greedy'; readonly name: string }

/** A route key that is neither `$default` nor `METHOD /path`. */
export class RouteKeyError extends Error {
  override readonly name = 'RouteKeyError'
  readonly code = 'gateway.route-key'
}

/** @throws RouteKeyError */
export const parseRouteKey = (text: string): RouteKey => {
  if (text === '$default') return { text, segments: [] }
  const [, method, path] = /^([A-Z]+) (\/.*)$/.exec(text) ?? []
  if (method === undefined || path === undefined) throw new RouteKeyError(`not a route key: ${text}`)
  return { text, method, segments: split(path).map(parseSegment) }
}

const parseSegment = (text: string): Segment => {
  const [, name, plus] = /^\{([^+}]+)(\+?)\}$/.exec(text) ?? []
  if (name === undefined) return { kind: 'text', text }
  return plus ? { kind: 'greedy', name } : { kind: 'parameter', name }
}

/** `/a/b/` has the segments `a`, `b` and an empty one: HTTP APIs tell the two paths apart. */
const split = (path: string): string[] => path.slice(1).split('/')

/** The route for a request and the values of its path parameters, percent-decoded; undefined when no route matches. */
export type RouteMatch<T> = { readonly route: T; readonly parameters: Readonly<Record<string, string>> }

/**
 * Picks the most specific route: a full match before a greedy one before `$default`; at each segment text before a
 * parameter before a greedy one; for the same path the method before ANY.
 *
 * @param path the request's, still percent-encoded, without stage and query
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export const matchRoute = <T extends { readonly key: RouteKey }>(
  routes: readonly T[],
  method: string,
  path: string,
): RouteMatch<T> | undefined => {
  const segments = split(path)
  let best: { rank: string; match: RouteMatch<T> } | undefined
  for (const route of routes) {
    const found = matchOne(route.key, method, segments)
    // Ranks of equal text can't both match: they would be the same route key.
    if (found && (!best || found.rank < best.rank)) {
      best = { rank: found.rank, match: { route, parameters: found.parameters } }
    }
  }
  return best?.match
}

const matchOne = (
  key: RouteKey,
  method: string,
  segments: readonly string[],
): { rank: string; parameters: Record<string, string> } | undefined => {
  if (key.method === undefined) return { rank: '9', parameters: {} }
  if (key.method !== 'ANY' && key.method !== method) return undefined
  const parameters: Record<string, string> = {}
  let rank = ''
  let position = 0
  for (const segment of key.segments) {
    const value = segments[position]
    if (value === undefined) return undefined
    if (segment.kind === 'greedy') {
      // Empty when nothing but a slash is left of the path: it is below the route's parent all the same.
      const rest = segments.slice(position).join('/')
      if (rest === '' && position === 0) return undefined
      parameters[segment.name] = decode(rest)
      rank = `1${rank}2`
      position = segments.length
      break
    }
    if (segment.kind === 'text') {
      if (decode(value) !== segment.text) return undefined
      rank += '0'
    } else {
      if (value === '') return undefined
      parameters[segment.name] = decode(value)
      rank += '1'
    }
    position++
  }
  if (position !== segments.length) return undefined
  const full = rank.startsWith('1') && rank.endsWith('2') ? rank : `0${rank}`
  return { rank: `${full}${key.method === 'ANY' ? '1' : '0'}`, parameters }
}

/** Percent-decoding that leaves alone what is not valid, as it is the client's text. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}
