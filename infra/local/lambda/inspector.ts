import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { codeOf } from '../../errors/thrown.ts'

/** Something with an inspector of its own, such as the thread of a function. */
export type Inspected = {
  readonly title: string
  /** Where its code is, as a URL. */
  readonly code: string
  /** `ws://127.0.0.1:<port>/<id>` */
  readonly url: string
}

/** One address for a debugger, whatever comes and goes behind it. */
export type Inspector = {
  /** `127.0.0.1:<port>` */
  readonly address: string
  close(): Promise<void>
}

/** Where debuggers look by themselves. */
export const INSPECTOR_PORT = 9229

/**
 * Serves the targets as `node --inspect` serves its one: a list, and a way to each. Listens on loopback.
 *
 * @param port a free one is chosen instead when it is taken
 * @param targets those of now
 * @see https://chromedevtools.github.io/devtools-protocol/#endpoints
 */
export const startInspector = async (
  port: number,
  targets: () => readonly Inspected[],
): Promise<Inspector> => {
  const server = createServer((request, response) => {
    const found = isLocal(request) ? answerTo(request, targets()) : undefined
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json; charset=UTF-8' })
    response.end(JSON.stringify(found ?? {}))
  })
  const tunnels = new Set<Duplex>()
  server.on('upgrade', (request, socket, head) => {
    const target = isLocal(request)
      ? targets().find(({ url }) => idOf(url) === request.url?.slice(1))
      : undefined
    if (target === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      return
    }
    const there = connect(Number(new URL(target.url).port), '127.0.0.1')
    for (const [one, other] of [
      [socket, there],
      [there, socket],
    ] as const) {
      tunnels.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        tunnels.delete(one)
        other.destroy()
      })
    }
    there.write(`${requestLines(request)}\r\n\r\n`)
    there.write(head)
    socket.pipe(there).pipe(socket)
  })
  const listen = async (wanted: number): Promise<void> => {
    server.listen(wanted, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(port).catch((error: unknown) => {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    return listen(0)
  })
  return {
    address: addressOf(server.address()),
    async close() {
      for (const socket of tunnels) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A page in a browser must not get here by a name of its own for this machine, as the inspector of Node sees to it. */
const isLocal = ({ headers: { host = '' } }: IncomingMessage): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)

const answerTo = (request: IncomingMessage, targets: readonly Inspected[]): unknown => {
  switch (request.url) {
    case '/json':
    case '/json/list':
      return targets.map((target) => described(target, addressOf(request.socket.address())))
    case '/json/version':
      return { Browser: `node.js/${process.version}`, 'Protocol-Version': '1.1' }
    default:
      return undefined
  }
}

const described = ({ title, code, url }: Inspected, address: string) => {
  const id = idOf(url)
  return {
    description: 'a function of the local stack',
    devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${address}/${id}`,
    id,
    title,
    type: 'node',
    url: code,
    webSocketDebuggerUrl: `ws://${address}/${id}`,
  }
}

const idOf = (url: string): string => new URL(url).pathname.slice(1)

const addressOf = (address: unknown): string => {
  const port: unknown =
    typeof address === 'object' && address !== null ? Reflect.get(address, 'port') : undefined
  return `127.0.0.1:${String(port)}`
}

/** The request as it came. */
const requestLines = ({ method, url, rawHeaders }: IncomingMessage): string => {
  const headers = rawHeaders.flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${rawHeaders[at + 1]}`] : []))
  return [`${method} ${url} HTTP/1.1`, ...headers].join('\r\n')
}
