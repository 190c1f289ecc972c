import type { Outcome } from '../lambda/environment.ts'
import { InvokeError } from '../lambda/errors.ts'
import { type GatewayAnswer, gatewayMessage, readAnswer } from './answer.ts'
import type { ApiRoute, HttpApi } from './api.ts'
import { corsHeaders, isPreflight } from './cors.ts'
import { type GatewayRequest, toEvent } from './event.ts'
import { matchRoute } from './route-key.ts'
import { Throttle } from './throttle.ts'

/** Runs the function behind a route. */
export type Invoke = (functionArn: string, event: unknown, requestId: string) => Promise<Outcome>

/** An answer, and what the access log says about how it came about. */
export type Handled = { readonly answer: GatewayAnswer; readonly routeKey: string; readonly note?: string }

/** Answers the requests of one HTTP API; knows nothing of sockets. */
export const createHandler = (api: HttpApi, invoke: Invoke, now: () => number = () => performance.now()) => {
  const throttles = new Map<ApiRoute, Throttle>()
  for (const route of api.routes) if (route.throttle) throttles.set(route, new Throttle(route.throttle, now))

  const answer = async (request: GatewayRequest): Promise<Handled> => {
    const path = withoutStage(request.target.split('?')[0] ?? '/', api.stage)
    const match = path === undefined ? undefined : matchRoute(api.routes, request.method, path)
    if (!match) return { answer: gatewayMessage(404, 'Not Found'), routeKey: '-' }
    const { route, parameters } = match
    const routeKey = route.key.text
    if (throttles.get(route)?.admit() === false) {
      return { answer: gatewayMessage(429, 'Too Many Requests'), routeKey, note: 'throttled by the stage' }
    }
    if (route.authorization !== 'NONE') {
      // Nobody here could check a signature or a token; letting everybody in would hide a missing authorizer.
      const status = route.authorization === 'AWS_IAM' ? 403 : 401
      const word = status === 403 ? 'Forbidden' : 'Unauthorized'
      const note = `${route.authorization} is not checked by the local gateway`
      return {
        answer: gatewayMessage(status, `${word}: ${note}; start without an authorizer`),
        routeKey,
        note,
      }
    }
    const event = toEvent(request, {
      apiId: api.id,
      stage: api.stage,
      routeKey,
      parameters,
      ...(api.stageVariables && { stageVariables: api.stageVariables }),
    })
    return { ...(await run(route, event, request.requestId)), routeKey }
  }

  const run = async (
    route: ApiRoute,
    event: unknown,
    requestId: string,
  ): Promise<{ answer: GatewayAnswer; note?: string }> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), route.timeoutMs)
    })
    try {
      const outcome = await Promise.race([invoke(route.functionArn, event, requestId), late])
      if (outcome === 'late') {
        // The function goes on and may still write, as on AWS.
        return { answer: gatewayMessage(503, 'Service Unavailable'), note: 'integration timeout' }
      }
      if (!outcome.ok) {
        return { answer: gatewayMessage(500, 'Internal Server Error'), note: outcome.error.errorMessage }
      }
      const answered = readAnswer(outcome.payload)
      if (answered) return { answer: answered }
      return { answer: gatewayMessage(500, 'Internal Server Error'), note: 'malformed answer' }
    } catch (error) {
      if (!(error instanceof InvokeError)) throw error
      if (error.code === 'lambda.payload-too-large') {
        return { answer: gatewayMessage(413, 'Request Entity Too Large'), note: error.message }
      }
      return { answer: gatewayMessage(503, 'Service Unavailable'), note: error.message }
    } finally {
      clearTimeout(timer)
    }
  }

  return async (request: GatewayRequest): Promise<Handled> => {
    if (!api.cors) return answer(request)
    const cors = corsHeaders(api.cors, request.method, request.headers)
    if (isPreflight(request.method, request.headers)) {
      return { answer: { statusCode: 204, headers: cors, body: Buffer.alloc(0) }, routeKey: 'cors' }
    }
    const handled = await answer(request)
    const own = Object.entries(handled.answer.headers).filter(([name]) => !name.startsWith('access-control-'))
    return { ...handled, answer: { ...handled.answer, headers: { ...Object.fromEntries(own), ...cors } } }
  }
}

/** The path that routes are matched with; undefined outside a named stage. */
const withoutStage = (path: string, stage: string): string | undefined => {
  if (stage === '$default') return path
  const prefix = `/${stage}`
  if (path === prefix) return '/'
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined
}
