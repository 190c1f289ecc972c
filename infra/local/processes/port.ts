import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { StartError } from './errors.ts'
import { hasCode } from './identity.ts'

/**
 * A TCP port that is free on 127.0.0.1 now: the preferred one where it is free, else one that the system picks.
 *
 * Nothing reserves it: another process may take it before the caller listens. (get-port is not used here
 * because it withholds for some seconds a port that this process was given before, so that a server stopped
 * and started again would not get its port back.)
 */
export const findFreePort = async (preferred?: number): Promise<number> => {
  if (preferred !== undefined && (await tryListen(preferred)) !== undefined) return preferred
  const port = await tryListen(0)
  if (port === undefined) throw new Error('no TCP port is free on 127.0.0.1')
  return port
}

/**
 * Starts a server on the port of its last run where that is free, so that settings which name it go on working;
 * else on another. Tries again when somebody takes the port between the choice and the server's start.
 *
 * @param portFile remembers the port
 */
export const startOnRememberedPort = async <T>(
  portFile: string,
  start: (port: number) => Promise<T>,
): Promise<{ port: number; started: T }> => {
  const last = await readPort(portFile)
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort(attempt === 1 ? last : undefined)
    try {
      const started = await start(port)
      await writeFile(portFile, String(port))
      return { port, started }
    } catch (error) {
      const isTaken = error instanceof StartError && /address (is )?already in use/i.test(error.output)
      if (!isTaken || attempt === 3) throw error
    }
  }
}

const tryListen = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      const got = typeof address === 'object' && address !== null ? address.port : undefined
      server.close(() => resolve(got))
    })
  })

const readPort = async (path: string): Promise<number | undefined> => {
  try {
    const port = Number(await readFile(path, 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
