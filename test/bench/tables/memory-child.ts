import * as z from 'zod'
import { openCopier } from './ours.ts'
import type { Report } from './protocol.ts'
import { ownClientOf, tablesOf } from './stage.ts'

/* A process that does one copy as the function would, and says how much memory that took. */

const order = z.object({ from: z.string(), to: z.string() })

const run = async ({ from, to }: z.infer<typeof order>): Promise<Report> => {
  const client = ownClientOf(process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
  const start = performance.now()
  const copier = await openCopier({ client, create: tablesOf(client).create })
  const { items } = await copier.copy(from, to)
  client.destroy()
  return {
    records: items,
    ms: performance.now() - start,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  }
}

process.on('message', (message) => {
  run(order.parse(message)).then(
    (done) => process.send?.(done),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
