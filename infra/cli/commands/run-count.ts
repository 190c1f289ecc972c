import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { countTable } from '../../../functions/bridge/drivers/dynamo/count.ts'
import { describeTable } from '../../../functions/bridge/drivers/dynamo/describe.ts'
import { RateLimiter } from '../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Context } from '../conventions/command.ts'
import { EXIT, type ExitCode } from '../conventions/exit-codes.ts'
import { bytes, duration, grouped } from '../conventions/figures.ts'
import { Progress } from '../conventions/progress.ts'
import { printFacts, printJson } from '../conventions/results.ts'
import { resolveTable } from '../target/resolve-table.ts'
import { throttledNote } from '../target/throttled.ts'

/** DynamoDB looks at a table's size about so often, in seconds. */
const ESTIMATE_AGE = 6 * 3_600

export type CountOptions = {
  readonly maxRate?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
}

export const runCount = async (
  { io, interrupt, target, json }: Context,
  name: string,
  { maxRate, segments, concurrency }: CountOptions,
): Promise<ExitCode> => {
  const table = resolveTable(target, name)
  const client = openDynamo()
  const bounds = { deadline: new Deadline(), signal: interrupt, limiter: new RateLimiter({ maxRate }) }
  const begun = performance.now()
  const { items: total } = await describeTable(client, table, bounds)
  const progress = new Progress(io, 'items', {
    total,
    estimated: true,
    note: throttledNote(bounds.limiter),
  })
  try {
    const { items, estimate } = await countTable({
      ...bounds,
      client,
      table,
      segments,
      concurrency,
      onProgress: (counted) => progress.advance(counted - progress.done),
    })
    progress.end()
    const seconds = (performance.now() - begun) / 1000
    // The local DynamoDB knows no bytes.
    const size = estimate.bytes === 0 ? '' : `, ${bytes(estimate.bytes)}`
    if (json)
      printJson(io, { table, items, estimate: { ...estimate, ageUpToSeconds: ESTIMATE_AGE }, seconds })
    else
      printFacts(io, {
        table,
        items: `${grouped(items)} (counted in ${duration(seconds)})`,
        estimate: `${grouped(estimate.items)}${size} (DynamoDB's own, up to 6 hours old)`,
      })
    return EXIT.done
  } finally {
    progress.end()
    client.destroy()
  }
}
