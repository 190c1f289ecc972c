import type { IncomingHttpHeaders } from 'node:http'

/** `CorsConfiguration` of an HTTP API. */
export type CorsSettings = {
  readonly allowOrigins: readonly string[]
  readonly allowMethods: readonly string[]
  readonly allowHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number
  readonly allowCredentials: boolean
}

/**
 * The CORS headers for a request; the gateway sets them itself and drops those of the function.
 *
 * @returns empty when the request has no origin, or one that is not allowed
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
export const corsHeaders = (
  settings: CorsSettings,
  method: string,
  headers: IncomingHttpHeaders,
): Record<string, string> => {
  const { origin } = headers
  if (!origin || !settings.allowOrigins.some((allowed) => originMatches(allowed, origin))) return {}
  const any = settings.allowOrigins.includes('*') && !settings.allowCredentials
  const result: Record<string, string> = { 'access-control-allow-origin': any ? '*' : origin }
  if (settings.allowCredentials) result['access-control-allow-credentials'] = 'true'
  if (isPreflight(method, headers)) {
    if (settings.allowMethods.length > 0)
      result['access-control-allow-methods'] = settings.allowMethods.join(',')
    if (settings.allowHeaders.length > 0)
      result['access-control-allow-headers'] = settings.allowHeaders.join(',')
    if (settings.maxAgeSeconds !== undefined)
      result['access-control-max-age'] = String(settings.maxAgeSeconds)
  } else if (settings.exposeHeaders.length > 0) {
    result['access-control-expose-headers'] = settings.exposeHeaders.join(',')
  }
  return result
}

/** A browser's question before the request proper; with CORS configured the gateway answers it, not the function. */
export const isPreflight = (method: string, headers: IncomingHttpHeaders): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined

const originMatches = (allowed: string, origin: string): boolean =>
  allowed === '*' ||
  allowed === origin ||
  (allowed.endsWith('://*') && origin.startsWith(allowed.slice(0, -1)))
