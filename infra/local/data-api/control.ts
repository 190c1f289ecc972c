import * as z from 'zod'
import { readBody } from '../http/body.ts'
import { type LocalServer, listen } from '../http/server.ts'
import { type Faults, fault } from './faults.ts'

const faultList = z.array(fault)
const BODY_LIMIT = 64 * 1024

/**
 * Starts the control port, where another process sets faults: `GET /_faults` lists them, `PUT /_faults` with a JSON
 * array replaces them, `DELETE /_faults` clears them.
 */
export const startControl = (
  faults: Faults,
  options: { port?: number; host?: string },
): Promise<LocalServer> =>
  listen({
    ...options,
    handler: async (request, response) => {
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      const body = await readBody(request, BODY_LIMIT)
      if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/_faults') {
        return answer(404, { message: 'Only /_faults is here' })
      }
      switch (request.method) {
        case 'GET':
          return answer(200, faults.list())
        case 'DELETE':
          faults.clear()
          return answer(200, [])
        case 'PUT': {
          const parsed = faultList.safeParse(toJson(body))
          if (!parsed.success) return answer(400, { message: z.prettifyError(parsed.error) })
          faults.clear()
          for (const one of parsed.data) faults.add(one)
          return answer(200, faults.list())
        }
        default:
          return answer(405, { message: 'GET, PUT or DELETE' })
      }
    },
  })

/** `undefined`, which no schema takes, for a body that is too large or not JSON. */
const toJson = (body: Buffer | undefined): unknown => {
  try {
    return body && JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
