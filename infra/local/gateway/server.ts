import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { codeOf, stackOf } from '../../errors/thrown.ts'
import type { LogFile } from '../lambda/log-file.ts'
import { type GatewayAnswer, gatewayMessage } from './answer.ts'
import { readBody } from './body.ts'
import type { GatewayRequest } from './event.ts'
import type { Handled } from './handle.ts'

/** A listening gateway. Requests wait, bounded, until `serve` gives it something to answer with. */
export type Gateway = {
  readonly port: number
  readonly url: string
  serve(handler: (request: GatewayRequest) => Promise<Handled>): void
  close(): Promise<void>
}

/** How long a request that comes too early waits for the stack to be ready, milliseconds. */
const START_WAIT_MS = 30_000
/** How long a stop waits for answers that are under way, milliseconds. */
const CLOSE_MS = 3_000

/**
 * Listens on loopback.
 *
 * @param port a free one is chosen instead when it is taken, or 0
 */
export const listen = async (port: number, accessLog: LogFile): Promise<Gateway> => {
  let serve: Gateway['serve'] = () => {}
  const handler = new Promise<Parameters<Gateway['serve']>[0]>((resolve) => {
    serve = resolve
  })
  const closing = new AbortController()
  const server = createServer((request, response) => {
    void answer(request, response, handler, accessLog, closing.signal)
  })
  server.keepAliveTimeout = 65_000
  const actual = await bind(server, port)
  return {
    port: actual,
    url: `http://127.0.0.1:${actual}`,
    serve: (given) => serve(given),
    async close() {
      closing.abort()
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS)
      await closed
      clearTimeout(timer)
      await accessLog.close()
    },
  }
}

const bind = async (server: ReturnType<typeof createServer>, port: number): Promise<number> => {
  const attempt = async (wanted: number): Promise<void> => {
    const listening = once(server, 'listening')
    server.listen(wanted, '127.0.0.1')
    await listening
  }
  try {
    await attempt(port)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || port === 0) throw error
    await attempt(0)
  }
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the gateway listens on no port')
  return address.port
}

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  handler: Promise<(request: GatewayRequest) => Promise<Handled>>,
  accessLog: LogFile,
  closing: AbortSignal,
): Promise<void> => {
  const started = performance.now()
  const requestId = randomUUID()
  const method = request.method ?? 'GET'
  const target = request.url ?? '/'
  const sourceIp = request.socket.remoteAddress ?? ''
  const time = Date.now()
  let handled: Handled
  try {
    const body = await readBody(request)
    const handle = await within(handler, START_WAIT_MS, closing)
    if (!body) handled = { answer: gatewayMessage(413, 'Request Entity Too Large'), routeKey: '-' }
    else if (!handle) handled = { answer: gatewayMessage(503, 'Service Unavailable'), routeKey: '-' }
    else {
      const protocol = `HTTP/${request.httpVersion}`
      handled = await handle({
        method,
        target,
        headers: request.headers,
        body,
        sourceIp,
        protocol,
        requestId,
        time,
      })
    }
  } catch (error) {
    // A client that went away in mid-body needs no answer; anything else is the gateway's own fault and is logged.
    const note = stackOf(error)
    handled = { answer: gatewayMessage(500, 'Internal Server Error'), routeKey: '-', note }
  }
  send(response, handled.answer, method, requestId, closing.aborted)
  const entry = {
    requestId,
    time: new Date(time).toISOString(),
    ip: sourceIp,
    httpMethod: method,
    routeKey: handled.routeKey,
    path: target,
    status: handled.answer.statusCode,
    responseLength: handled.answer.body.length,
    responseLatency: Math.round(performance.now() - started),
    ...(handled.note && { note: handled.note }),
  }
  accessLog.write(JSON.stringify(entry))
}

const send = (
  response: ServerResponse,
  { statusCode, headers, body }: GatewayAnswer,
  method: string,
  requestId: string,
  last: boolean,
): void => {
  if (response.destroyed) return
  for (const [name, value] of Object.entries(headers)) {
    // The gateway counts the bytes itself.
    if (name !== 'content-length') response.setHeader(name, typeof value === 'string' ? value : [...value])
  }
  response.setHeader('apigw-requestid', requestId)
  if (last) response.setHeader('connection', 'close')
  const bodiless = statusCode === 204 || statusCode === 304
  if (!bodiless) response.setHeader('content-length', body.length)
  response.writeHead(statusCode)
  response.end(bodiless || method === 'HEAD' ? undefined : body)
}

const within = async <T>(value: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> => {
  if (signal.aborted) return undefined
  let give = (): void => {}
  const late = new Promise<undefined>((resolve) => {
    give = () => resolve(undefined)
  })
  const timer = setTimeout(give, ms)
  signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', give)
  }
}
