import type { IncomingHttpHeaders } from 'node:http'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { ACCOUNT } from '../template/pseudo.ts'

/** What the gateway knows of a request once a route is found. */
export type GatewayRequest = {
  readonly method: string
  /** Path and query exactly as in the request line. */
  readonly target: string
  /** As node joins them: repeats with a comma, `set-cookie` apart. */
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly sourceIp: string
  readonly protocol: string
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly time: number
}

/** What of the template goes into the event. */
export type GatewayContext = {
  readonly apiId: string
  readonly stage: string
  readonly routeKey: string
  readonly parameters: Readonly<Record<string, string>>
  readonly stageVariables?: Readonly<Record<string, string>>
}

/**
 * The event of an HTTP API, payload format 2.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const toEvent = (request: GatewayRequest, context: GatewayContext): APIGatewayProxyEventV2 => {
  const [rawPath = '/', ...query] = request.target.split('?')
  const rawQueryString = query.join('?')
  const parameters = queryParameters(rawQueryString)
  const headers = joined(request.headers)
  const { cookie, ...withoutCookie } = headers
  const binary = request.body.length > 0 && !isText(headers['content-type'], headers['content-encoding'])
  return {
    version: '2.0',
    routeKey: context.routeKey,
    rawPath: decodedPath(rawPath),
    rawQueryString,
    ...(cookie !== undefined && { cookies: cookie.split(';').map((one) => one.trim()) }),
    headers: withoutCookie,
    ...(Object.keys(parameters).length > 0 && { queryStringParameters: parameters }),
    ...(Object.keys(context.parameters).length > 0 && { pathParameters: { ...context.parameters } }),
    ...(context.stageVariables && { stageVariables: { ...context.stageVariables } }),
    requestContext: {
      accountId: ACCOUNT,
      apiId: context.apiId,
      domainName: headers.host?.replace(/:\d+$/, '') ?? 'localhost',
      domainPrefix: context.apiId,
      http: {
        method: request.method,
        path: decodedPath(rawPath),
        protocol: request.protocol,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey: context.routeKey,
      stage: context.stage,
      time: accessTime(request.time),
      timeEpoch: request.time,
    },
    ...(request.body.length > 0 && { body: request.body.toString(binary ? 'base64' : 'utf8') }),
    isBase64Encoded: binary,
  }
}

/** `rawPath` is what the name does not say: percent-decoded. Only pathological encodings stay as they are. */
const decodedPath = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (error instanceof URIError) return path
    throw error
  }
}

const joined = (headers: IncomingHttpHeaders): Record<string, string> => {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result[name] = Array.isArray(value) ? value.join(',') : value
  }
  return result
}

/** Decoded; the values of a repeated name joined by commas. */
const queryParameters = (query: string): Record<string, string> => {
  const result = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const before = result.get(name)
    result.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(result)
}

/** Content types whose body API Gateway passes on as text; all others, and a missing one, arrive as base64. */
const isText = (contentType: string | undefined, encoding: string | undefined): boolean => {
  if (encoding !== undefined && encoding !== 'identity') return false
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  return type.startsWith('text/') || /^application\/(json|javascript|xml|.+\+json|.+\+xml)$/.test(type)
}

/** `12/Mar/2020:19:03:58 +0000` */
const accessTime = (time: number): string => {
  const [, day, month, year, clock] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(time).toUTCString()) ?? []
  return `${day}/${month}/${year}:${clock} +0000`
}
