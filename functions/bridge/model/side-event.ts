import type { SideFunction } from './side-function.ts'

/** A client's request as a side's function is to get it. */
export type SideRequest = {
  readonly method: string
  /** From the root, decoded: `/aurora/chefs/7`. */
  readonly path: string
  /** What stands for the key in the path, by the name of the parameter; none for the collection. */
  readonly parameters: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly requestId: string
  /** What the gateway's authorizer has said of the caller, as it has said it. */
  readonly authorizer: unknown
  /** Milliseconds since 1970. */
  readonly at: number
}

const orNull = <T extends object>(map: T): T | null => (Object.keys(map).length === 0 ? null : map)
const listed = (map: Readonly<Record<string, string>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, [value]]))

/** Text as it is; what is none, as base64. */
const bodyOf = (
  body: Uint8Array | undefined,
): { readonly text: string | null; readonly encoded: boolean } => {
  if (body === undefined) return { text: null, encoded: false }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body), encoded: false }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { text: Buffer.from(body).toString('base64'), encoded: true }
  }
}

/** The request as the event of an API, in the shape that the function takes. */
export const sideEvent = ({ payload }: Pick<SideFunction, 'payload'>, request: SideRequest): unknown => {
  const { method, path, parameters, query, headers, requestId, authorizer, at } = request
  const { text, encoded } = bodyOf(request.body)
  const said = authorizer === undefined ? {} : { authorizer }
  if (payload === '1.0')
    return {
      version: '1.0',
      ...{ resource: path, path, httpMethod: method, headers, multiValueHeaders: listed(headers) },
      queryStringParameters: orNull(query),
      multiValueQueryStringParameters: orNull(listed(query)),
      pathParameters: orNull(parameters),
      stageVariables: null,
      requestContext: {
        ...{ resourcePath: path, httpMethod: method, path, stage: '$default', protocol: 'HTTP/1.1' },
        ...{ requestId, requestTimeEpoch: at, ...said },
      },
      ...{ body: text, isBase64Encoded: encoded },
    }
  return {
    version: '2.0',
    ...{
      routeKey: '$default',
      rawPath: path,
      rawQueryString: new URLSearchParams(query).toString(),
      headers,
    },
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
    requestContext: {
      ...{ stage: '$default', requestId, routeKey: '$default', timeEpoch: at, ...said },
      http: { method, path, protocol: 'HTTP/1.1' },
    },
    ...(text !== null && { body: text }),
    isBase64Encoded: encoded,
  }
}
