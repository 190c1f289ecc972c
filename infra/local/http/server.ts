import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Writes one line of a server's log; the line has no newline at its end. */
export type Log = (line: string) => void

/** A server of the local runtime. `close()` ends what is in flight and frees the port. */
export type LocalServer = {
  /** `http://host:port`, without a slash at the end */
  readonly endpoint: string
  readonly port: number
  close(): Promise<void>
}

/** A server that can stop listening for a while, as a host does that is down: callers are then refused. */
export type PausableServer = LocalServer & {
  pause(): void
  resume(): Promise<void>
}

/** Answers one request. A rejection is a defect of the server: it is logged, and the caller's socket is cut. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export type ListenOptions = {
  readonly handler: RequestHandler
  /** default 0: any free port */
  readonly port?: number
  /** default 127.0.0.1: the local servers are for this machine only */
  readonly host?: string
  readonly log?: Log
}

/** An idle client keeps its socket longer than clients keep theirs, so that no request meets a socket that is being closed. */
const KEEP_ALIVE_MS = 65_000

/**
 * Starts an HTTP server.
 *
 * @throws the system's error (`EADDRINUSE`, `EACCES`) when the port can't be had
 */
export const listen = async ({
  handler,
  port = 0,
  host = '127.0.0.1',
  log,
}: ListenOptions): Promise<PausableServer> => {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      log?.(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}`)
      response.destroy()
    })
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS

  const open = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  const shut = (): Promise<void> =>
    new Promise((resolve) => {
      // `close` answers with an error only when the server was not listening: then there is nothing to end.
      server.close(() => resolve())
      server.closeAllConnections()
    })

  await open(port)
  // A server that listens on a TCP port always has an AddressInfo; a string is only for pipes.
  const bound = (server.address() as AddressInfo).port
  let closed = false

  return {
    endpoint: `http://${host}:${bound}`,
    port: bound,
    pause: () => {
      server.close()
      server.closeAllConnections()
    },
    resume: async () => {
      if (!closed && !server.listening) await open(bound)
    },
    close: async () => {
      closed = true
      await shut()
    },
  }
}
