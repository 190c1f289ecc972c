import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { Comparison } from '../../../../functions/bridge/tables/compare.ts'
import { DIFFERENCES } from '../../../../functions/bridge/tables/compare-sides.ts'
import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { planVerification, verifyTable } from '../../../../functions/bridge/tables/verify.ts'
import type { Context } from '../../conventions/command.ts'
import { grouped } from '../../conventions/figures.ts'
import { Progress } from '../../conventions/progress.ts'
import { printLine, printTable } from '../../conventions/results.ts'
import { throttledNote } from '../../target/throttled.ts'

/** A person reads no more; `--json` has up to a thousand. */
const ROWS = 20

/** Compares a kept table with its source, with progress. */
export const verify = async (
  { io, interrupt }: Pick<Context, 'io' | 'interrupt'>,
  projection: Projection,
  sync: TableSyncParts,
  maxRate: number | undefined,
): Promise<Comparison> => {
  const plan = await planVerification(projection, sync, interrupt)
  const limiter = new RateLimiter({ maxRate })
  const progress = new Progress(io, `items of ${projection.name} compared`, {
    total: plan.estimate,
    estimated: true,
    note: throttledNote(limiter),
  })
  try {
    return await verifyTable(plan, sync, {
      signal: interrupt,
      limiter,
      onProgress: (looked) => progress.advance(looked - progress.done),
    })
  } finally {
    progress.end()
  }
}

/** As scripts get it. */
export const verificationOf = ({ equal, source, target, counts, differences }: Comparison) => ({
  equal,
  source,
  target,
  counts,
  differences,
})

/** For people: what was compared, and the differences. */
export const printVerification = (
  io: Context['io'],
  { name, from }: Projection,
  { equal, source, target, counts, differences }: Comparison,
): void => {
  const read = `${grouped(source)} items of ${from.name}, ${grouped(target)} of ${name}`
  if (equal) {
    printLine(io, `${name}: equal (${read})`)
    return
  }
  const kinds = DIFFERENCES.filter((kind) => counts[kind] > 0)
  const total = kinds.reduce((sum, kind) => sum + counts[kind], 0)
  const each = kinds.map((kind) => `${grouped(counts[kind])} ${kind}`).join(', ')
  printLine(io, `${name}: ${grouped(total)} differences (${each}; ${read})`)
  printTable(
    io,
    ['difference', 'key', 'source key'],
    differences.slice(0, ROWS).map(({ kind, key = '', sourceKey = '' }) => [kind, key, sourceKey]),
  )
  if (total > ROWS) printLine(io, `and ${grouped(total - ROWS)} more`)
}
