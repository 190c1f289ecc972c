import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { FillParts } from '../../../../functions/bridge/tables/fill.ts'
import { pairOf } from '../../../../functions/bridge/tables/pairs.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import {
  TABLE_DIVERGENCES,
  type TableDifference,
} from '../../../../functions/bridge/tables/table-divergences.ts'
import {
  planTableVerify,
  runTableVerify,
  type TableVerification,
  tableDifferences,
} from '../../../../functions/bridge/tables/verify.ts'
import type { Context } from '../../conventions/command.ts'
import { interrupted } from '../../conventions/errors.ts'
import { grouped } from '../../conventions/figures.ts'
import { Progress } from '../../conventions/progress.ts'
import { printLine, printTable } from '../../conventions/results.ts'
import { withLease } from '../../target/open-jobs.ts'
import { throttledNote } from '../../target/throttled.ts'
import { whoami } from '../../target/whoami.ts'

/** A person reads no more; `--json` has up to a thousand. */
const ROWS = 20
const NAMED = 1_000

/** What was found, with the first ones that differ. */
export type Verified = TableVerification & { readonly first: readonly TableDifference[] }

/**
 * Compares a kept table with its source, with progress.
 *
 * @param options.again begins anew what was interrupted
 * @throws CliError with exit code 5 while somebody else is at it, 130 when interrupted
 */
export const verify = async (
  { io, interrupt, goOn }: Pick<Context, 'io' | 'interrupt' | 'goOn'>,
  projection: Projection,
  parts: FillParts,
  { maxRate, again = false }: { readonly maxRate: number | undefined; readonly again?: boolean },
): Promise<Verified> => {
  const { name } = projection
  const plan = await planTableVerify(projection, { ...parts, signal: interrupt }, { again })
  const limiter = new RateLimiter({ maxRate })
  const progress = new Progress(io, `items of ${name} compared`, {
    total: plan.estimate,
    estimated: true,
    note: throttledNote(limiter),
  })
  const looked = new Map<string, number>()
  const run = {
    ...{ ...parts, by: whoami(), signal: interrupt, limiter, maxRate },
    onProgress: (step: string, n: number) => {
      progress.advance(n - (looked.get(step) ?? 0))
      looked.set(step, n)
    },
  }
  const outcome = await withLease(parts.jobs, plan.job, () => runTableVerify(plan, run)).finally(() =>
    progress.end(),
  )
  if (outcome.verification === undefined) throw interrupted('interrupted', `go on with: ${goOn}`)
  const first: TableDifference[] = []
  for await (const page of tableDifferences({ job: plan.job, run: outcome.run }, parts)) {
    first.push(...page.slice(0, NAMED - first.length))
    if (first.length === NAMED) break
  }
  return { ...outcome.verification, first }
}

/** As scripts get it. */
export const verificationOf = ({ first, name: _, differences: counts, ...verification }: Verified) => ({
  ...{ ...verification, counts },
  differences: first.map(shown),
})

/** A pair that differs: its key in the table, and that of the item of the source. */
const shown = ({ key: pair, ...more }: TableDifference) => {
  const { place = null, sourceKey = null } = pairOf(pair)
  return { key: place, sourceKey, ...more }
}

/** For people: what was compared, and the differences. */
export const printVerification = (
  io: Context['io'],
  { name, from }: Projection,
  { equal, source, target, differences, unsettled, first }: Verified,
): void => {
  const read = `${grouped(source)} items of ${from.name}, ${grouped(target)} of ${name}`
  if (equal) {
    printLine(io, `${name}: equal (${read})`)
    return
  }
  const counts = { ...differences, unsettled }
  const kinds = ([...TABLE_DIVERGENCES, 'unsettled'] as const).filter((kind) => counts[kind] > 0)
  const total = kinds.reduce((sum, kind) => sum + counts[kind], 0)
  const each = kinds.map((kind) => `${grouped(counts[kind])} ${TABLE_NAMES[kind]}`).join(', ')
  printLine(io, `${name}: ${grouped(total)} ${total === 1 ? 'differs' : 'differ'} (${each}; ${read})`)
  printTable(
    io,
    ['how', 'key', 'source key', 'fields'],
    first.slice(0, ROWS).map((one) => {
      const { is, relation, key, sourceKey, fields } = shown(one)
      const how = relation === undefined ? TABLE_NAMES[is] : `${TABLE_NAMES[is]}, ${TABLE_NAMES[relation]}`
      return [how, key ?? '', sourceKey ?? '', fields.join(', ')]
    }),
  )
  if (total > ROWS) printLine(io, `and ${grouped(total - ROWS)} more`)
}

/** How people say it. */
export const TABLE_NAMES: Readonly<Record<TableDifference['is'], string>> = {
  ...{ onlySource: 'only in the source', onlyTarget: 'only in the table', targetBehind: 'table behind' },
  ...{
    sourceBehind: 'source behind',
    conflict: 'conflict',
    typeOnly: 'other type only',
    taken: 'place taken',
  },
  ...{ foreign: 'foreign', unfit: 'unfit', parked: 'parked', unsettled: 'unsettled' },
}
