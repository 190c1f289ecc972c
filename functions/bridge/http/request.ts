import * as z from 'zod'
import { principalOf } from './principal.ts'

/** A client's request, whatever gateway it came through. */
export type HttpRequest = {
  readonly method: string
  /** Decoded path segments, without a stage prefix: `['aurora', 'chefs', '7']`. */
  readonly segments: readonly string[]
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** By lower-case name; repeats joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** Decoded from base64 where the gateway encoded it; undefined when there is none. */
  readonly body: Uint8Array | undefined
  /** Who calls, where the gateway has an authorizer that says so. */
  readonly principal?: string
}

const optionalMap = z.record(z.string(), z.string().optional()).nullish()

const V2 = z.object({
  version: z.literal('2.0'),
  routeKey: z.string().optional(),
  rawPath: z.string(),
  pathParameters: optionalMap,
  rawQueryString: z.string().optional(),
  headers: optionalMap,
  requestContext: z.looseObject({ stage: z.string().optional(), http: z.object({ method: z.string() }) }),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
})

const V1 = z.object({
  // A load balancer's event is nearly the same, but has none, and encodes its path and query in another way.
  resource: z.string(),
  httpMethod: z.string(),
  path: z.string(),
  queryStringParameters: optionalMap,
  headers: optionalMap,
  multiValueHeaders: z.record(z.string(), z.array(z.string()).optional()).nullish(),
  requestContext: z.unknown().optional(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
})

/**
 * Reads an HTTP API (payload 2.0) or REST API (payload 1.0) event.
 *
 * @returns undefined when the event is neither, so that nothing is guessed
 */
export const readHttpEvent = (event: unknown): HttpRequest | undefined => {
  const v2 = V2.safeParse(event)
  if (v2.success) return fromV2(v2.data)
  const v1 = V1.safeParse(event)
  return v1.success ? fromV1(v1.data) : undefined
}

const fromV2 = (event: z.infer<typeof V2>): HttpRequest => {
  const { stage } = event.requestContext
  // A named stage is the first part of rawPath; $default isn't in it.
  const prefix = `/${stage}`
  const staged = stage !== undefined && stage !== '$default' && `${event.rawPath}/`.startsWith(`${prefix}/`)
  const path = withoutSlash(staged ? event.rawPath.slice(prefix.length) : event.rawPath)
  return {
    method: event.requestContext.http.method.toUpperCase(),
    path,
    segments: routed(event) ?? path.split('/').slice(1),
    query: Object.fromEntries(new URLSearchParams(event.rawQueryString ?? '')),
    headers: lowerCased(event.headers ?? {}),
    body: decodeBody(event.body, event.isBase64Encoded),
    ...calledBy(event.requestContext),
  }
}

/**
 * The segments of a route's path, its parameters' values in their places. `rawPath` comes decoded: a slash in it may be a
 * value's own, and what looks like an escape is none.
 *
 * @returns undefined for a route without a path, such as $default, and for one that takes several segments as one
 */
const routed = ({ routeKey, pathParameters }: z.infer<typeof V2>): string[] | undefined => {
  const path = /^[A-Z]+ \/(.*)$/.exec(routeKey ?? '')?.[1]
  if (path === undefined) return undefined
  const parameters = new Map(Object.entries(pathParameters ?? {}))
  const segments = path.split('/').flatMap((segment): (string | undefined)[] => {
    const [, name, greedy] = /^\{(.+?)(\+?)\}$/.exec(segment) ?? []
    if (name === undefined) return [segment]
    if (greedy === '') return [parameters.get(name)]
    return name === SLASH ? restOf(parameters.get(name) ?? '') : [undefined]
  })
  return segments.every((segment) => segment !== undefined) ? segments : undefined
}

/** The parameter of our own routes for a slash at the end. */
const SLASH = 'slash'

/** What a route takes that has no other use for it than a slash at the end: behind one value, whose own slashes stay. */
const restOf = (rest: string): string[] => {
  if (rest === '') return []
  return rest.endsWith('/') ? [withoutSlash(rest)] : rest.split('/')
}

const fromV1 = (event: z.infer<typeof V1>): HttpRequest => ({
  method: event.httpMethod.toUpperCase(),
  ...split(event.path),
  query: defined(event.queryStringParameters ?? {}),
  headers: lowerCased({
    ...event.headers,
    ...Object.fromEntries(
      Object.entries(event.multiValueHeaders ?? {}).map(([name, values]) => [name, values?.join(',')]),
    ),
  }),
  body: decodeBody(event.body, event.isBase64Encoded),
  ...calledBy(event.requestContext),
})

const calledBy = (requestContext: unknown): { principal?: string } => {
  const principal = principalOf(requestContext)
  return principal === undefined ? {} : { principal }
}

const split = (sent: string): { path: string; segments: string[] } => {
  const path = withoutSlash(sent)
  return { path, segments: path.split('/').slice(1).map(decode) }
}

/** A slash at the end names the same thing: REST APIs route it so, and legacy clients send it. */
const withoutSlash = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path

/** Payload 1.0 has the path as the client wrote it. A malformed escape stays as it is: it then simply names nothing that exists. */
const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

const defined = (map: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(map).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )

const lowerCased = (map: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(defined(map)).map(([name, value]) => [name.toLowerCase(), value]))

/** An empty body is none: gateways send either for a request without one. */
const decodeBody = (
  body: string | null | undefined,
  base64: boolean | null | undefined,
): Uint8Array | undefined =>
  body === undefined || body === null || body === ''
    ? undefined
    : Buffer.from(body, base64 ? 'base64' : 'utf8')
