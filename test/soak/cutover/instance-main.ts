/**
 * One facade: the package of its function as it is deployed, in a process of its own that can be frozen and killed, with a clock that
 * may be wrong. It gets API events from its parent, and answers one at a time.
 */
import { enableCompileCache } from 'node:module'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'
import { CLOCK, putClock } from './clock.ts'

const messageSchema = z.object({ id: z.number(), event: z.unknown() })
const moduleSchema = z.object({
  handler: z.custom<(event: unknown, context: object) => Promise<unknown>>((it) => typeof it === 'function'),
})
/** A container has no end; of Lambda this is the longest. Frozen, it goes on afterwards with what it had begun. */
const REMAINING_MS = 15 * 60_000

enableCompileCache()
putClock(Number(process.env[CLOCK] ?? 0))
const { handler } = moduleSchema.parse(await import(pathToFileURL(process.argv[2] ?? '').href))

process.on('message', async (message) => {
  const { id, event } = messageSchema.parse(message)
  const began = performance.now()
  const context = {
    awsRequestId: String(id),
    getRemainingTimeInMillis: () => REMAINING_MS - (performance.now() - began),
  }
  const answer = await handler(event, context).catch((error: unknown) => ({
    ...{ statusCode: 599, headers: {}, body: String(error) },
  }))
  process.send?.({ id, answer })
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
