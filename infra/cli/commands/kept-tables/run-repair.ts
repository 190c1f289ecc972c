import { appendFile, writeFile } from 'node:fs/promises'
import { toJsonText } from '../../../../functions/bridge/drivers/dynamo/json-text.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { Pace } from '../../../../functions/bridge/jobs/pace.ts'
import { toAttributeValue } from '../../../../functions/bridge/model/attribute-values.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { LookedPair } from '../../../../functions/bridge/tables/look-pairs.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import {
  type Mended,
  type PairAction,
  type PairToMend,
  pairsToMend,
  planTableRepair,
  runTableRepair,
} from '../../../../functions/bridge/tables/repair.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { Progress } from '../../conventions/progress.ts'
import { printFacts, printJson, printLine } from '../../conventions/results.ts'
import { openJobs, withLease } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { openFollowing } from './open-following.ts'
import { refusing } from './refusing.ts'
import { TABLE_NAMES } from './verify.ts'

/** What a dry run shows, and what is named that is left; the report has all. */
const SHOWN = 20

/**
 * Makes what differs in a kept table be what its source has.
 *
 * @throws CliError with exit code 4 when it is refused or isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runTableRepairCommand = async (
  context: Context,
  projection: Projection,
  { report, maxRate }: { readonly report?: string | undefined; readonly maxRate?: number | undefined },
): Promise<ExitCode> => {
  const { io, json, target, interrupt, dryRun, yes } = context
  const { name, kind, from } = projection
  const sync = openFollowing(context, projection)
  const parts = { sync, jobs: openJobs(target, sync.client) }
  const plan = await refusing(planTableRepair(projection, parts))
  const limiter = new RateLimiter({ maxRate })
  const bounds = { ...parts, limiter, signal: interrupt }
  if (report !== undefined) await writeFile(report, '')
  const note = async (one: unknown): Promise<void> => {
    if (report !== undefined) await appendFile(report, `${toJsonText(one)}\n`)
  }
  if (dryRun) return show(context, projection, pairsToMend(plan, bounds), note)
  await confirm(io, {
    what: `Making what differs in ${name} what ${from.name} has, on ${target.description}`,
    expected: name,
    yes,
    signal: interrupt,
  })
  const progress = new Progress(io, 'looked at')
  const kept: Mended[] = []
  const pace = new Pace({ limiter, job: plan.job, jobs: parts.jobs })
  const done = await withLease(parts.jobs, plan.job, () =>
    runTableRepair(plan, {
      ...{ ...bounds, by: whoami(), maxRate, pace },
      onLooked: (looked) => progress.advance(looked),
      onMended: async (one) => {
        await note({ ...told(one), after: sidesOf(one.after), outcome: one.outcome })
        if (one.outcome === 'left' && kept.length < SHOWN) kept.push(one)
      },
    }),
  ).finally(() => progress.end())
  const { already, repaired, left } = done
  if (!done.done)
    throw interrupted(`interrupted: ${grouped(repaired)} are repaired`, `go on with: ${context.goOn}`)
  if (json)
    printJson(io, {
      ...{ name, already, repaired, left, report: report ?? null, dryRun: false },
      differences: kept.map((one) => ({ ...named(one.looked), why: one.why ?? null })),
    })
  else {
    printFacts(io, {
      table: name,
      'the same by now': grouped(already),
      repaired: grouped(repaired),
      left: grouped(left),
      report,
      next: `npx backsync ${kind} status ${name} --verify`,
    })
    for (const { looked, why } of kept) {
      const { is, key, sourceKey } = named(looked)
      const how = is === 'agree' ? is : TABLE_NAMES[is]
      printLine(io, `left ${key ?? '-'} of ${sourceKey ?? '-'}: ${how}${why === undefined ? '' : `, ${why}`}`)
    }
  }
  return left > 0 ? EXIT.differences : EXIT.done
}

/** What would be done, with both items of each. */
const show = async (
  { io, json }: Context,
  { name }: Projection,
  pages: ReturnType<typeof pairsToMend>,
  note: (one: unknown) => Promise<void>,
): Promise<ExitCode> => {
  const counts: Record<PairAction, number> = { bring: 0, 'take away': 0, leave: 0 }
  const first: unknown[] = []
  for await (const { pairs } of pages)
    for (const one of pairs) {
      counts[one.action] += 1
      await note(told(one))
      if (first.length < SHOWN) first.push(told(one))
    }
  const { bring, leave, 'take away': takeAway } = counts
  if (json)
    // With binary as base64, as DynamoDB's own JSON has it.
    printJson(io, JSON.parse(toJsonText({ name, bring, takeAway, leave, differences: first, dryRun: true })))
  else {
    printFacts(io, {
      table: name,
      'brought from the source': grouped(bring),
      'taken away': grouped(takeAway),
      left: grouped(leave),
    })
    for (const one of first) printLine(io, toJsonText(one))
    const all = bring + takeAway + leave
    if (all > first.length) printLine(io, `and ${grouped(all - first.length)} more`)
  }
  return EXIT.done
}

const named = ({ pair, relation }: LookedPair) => ({
  ...{ key: pair.place ?? null, sourceKey: pair.sourceKey ?? null, is: relation.is },
})

const told = ({ looked, action }: PairToMend) => ({
  ...{ ...named(looked), fields: looked.relation.fields, action },
  before: sidesOf(looked),
})

/** What the place should hold, and what it does, as DynamoDB's JSON. */
const sidesOf = ({ wanted, kept }: LookedPair) => ({
  source: itemOfRow(wanted?.projected?.row, wanted?.version),
  target: itemOfRow(kept?.row, kept?.stamp?.version),
})

const itemOfRow = (row: Row | undefined, version: bigint | undefined) =>
  row === undefined ? null : { version: version ?? null, item: toAttributeValue(row).M }
