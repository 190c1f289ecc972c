import { appendFile, writeFile } from 'node:fs/promises'
import type { ReadRecord } from '../../../../functions/bridge/aurora/many-records.ts'
import { FillNotReadyError } from '../../../../functions/bridge/backfill/errors.ts'
import {
  keysToRepair,
  planRepair,
  type Repaired,
  type RepairPlan,
  type RepairTally,
  runRepair,
  type ToRepair,
} from '../../../../functions/bridge/backfill/repair.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { Pace } from '../../../../functions/bridge/jobs/pace.ts'
import { differing } from '../../../../functions/bridge/jobs/verifications.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { jsonRow } from '../../../../functions/bridge/model/json-row.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { Looked } from '../../../../functions/bridge/verify/look.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { Progress } from '../../conventions/progress.ts'
import { printFacts, printJson, printLine, toJson } from '../../conventions/results.ts'
import { withLease } from '../../target/open-jobs.ts'
import { openRepair } from '../../target/open-repair.ts'
import { requireBothKept } from '../../target/require-kept.ts'
import { whoami } from '../../target/whoami.ts'
import { readKeysFile } from '../verify/keys-file.ts'

export type RepairOptions = {
  readonly winner?: Owner | undefined
  readonly keys?: string | undefined
  readonly report?: string | undefined
  readonly maxRate?: number | undefined
}

/** Keys that a dry run shows; the report has all of them. */
const SHOWN = 20

/**
 * Makes keys that differ the same again.
 *
 * @throws CliError with exit code 4 when it is refused or isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runRepairCommand = async (
  context: Context,
  entity: Entity,
  { winner, keys: file, report, maxRate }: RepairOptions,
): Promise<ExitCode> => {
  const { io, target, interrupt, dryRun, yes } = context
  await requireBothKept(context, entity)
  const parts = openRepair(context)
  const keys = file === undefined ? undefined : await readKeysFile(file, entity)
  const plan = await planRepair(entity, parts, { winner, keys }).catch(refused)
  const limiter = new RateLimiter({ maxRate })
  const bounds = { ...parts, limiter, signal: interrupt }
  if (report !== undefined) await writeFile(report, '')
  const note = async (one: unknown): Promise<void> => {
    if (report !== undefined) await appendFile(report, `${toJson(one)}\n`)
  }
  if (dryRun) return show(context, plan, keysToRepair(plan, bounds), note)
  const what = `Making ${countText(plan)} of ${entity.name} what their owners have${winner === undefined ? '' : `, and of conflicts what ${winner} has,`} on ${target.description}`
  await confirm(io, { what, expected: target.name, yes, signal: interrupt })
  const progress = new Progress(io, 'keys looked at', { total: countOf(plan), estimated: true })
  const left: Repaired[] = []
  const done = await withLease(parts.jobs, plan.job, () =>
    runRepair(plan, {
      ...bounds,
      ...{
        by: whoami(),
        maxRate,
        pace: new Pace({ limiter, job: plan.job, jobs: parts.jobs, lag: parts.lag }),
      },
      onLooked: (looked) => progress.advance(looked),
      onRepaired: async (one) => {
        await note({ ...shown(entity, one), after: sides(entity, one.after), outcome: one.outcome })
        if (one.outcome === 'left' && left.length < SHOWN) left.push(one)
      },
    }),
  ).finally(() => progress.end())
  if (!done.done)
    throw interrupted(
      `interrupted: ${grouped(done.repaired)} keys are repaired`,
      `go on with: ${context.goOn}`,
    )
  tell(context, plan, done, left, report)
  return done.left > 0 ? EXIT.differences : EXIT.done
}

/** What has to be done before ends with 4: nothing was changed. */
const refused = (cause: unknown): never => {
  if (!(cause instanceof FillNotReadyError)) throw cause
  const { code, message, cure: hint } = cause
  throw new CliError({ code, message, hint, exit: EXIT.refused }, { cause })
}

const countOf = ({ keys, verification }: RepairPlan): number =>
  keys?.length ??
  (verification === undefined ? 0 : differing(verification.differences) + verification.unsettled)

const countText = (plan: RepairPlan): string => {
  const count = countOf(plan)
  return `${grouped(count)} ${count === 1 ? 'key' : 'keys'}`
}

/** What would be done, with both records of each key. */
const show = async (
  { io, json }: Context,
  plan: RepairPlan,
  pages: ReturnType<typeof keysToRepair>,
  note: (one: unknown) => Promise<void>,
): Promise<ExitCode> => {
  const counts = { bring: 0, decide: 0, leave: 0 }
  const first: unknown[] = []
  for await (const { keys } of pages)
    for (const one of keys) {
      counts[one.action] += 1
      const both = shown(plan.entity, one)
      await note(both)
      if (first.length < SHOWN) first.push(both)
    }
  const all = counts.bring + counts.decide + counts.leave
  if (json) printJson(io, { entity: plan.entity.name, ...counts, keys: first, dryRun: true })
  else {
    printFacts(io, {
      entity: plan.entity.name,
      'brought from its owner': grouped(counts.bring),
      'decided for the winner': plan.winner === undefined ? undefined : grouped(counts.decide),
      left: grouped(counts.leave),
    })
    for (const one of first) printLine(io, toJson(one))
    if (all > first.length) printLine(io, `and ${grouped(all - first.length)} more`)
  }
  return EXIT.done
}

const tell = (
  { io, json }: Context,
  { entity, winner }: RepairPlan,
  { already, repaired, left }: RepairTally,
  kept: readonly Repaired[],
  report: string | undefined,
): void => {
  const [one] = kept
  const hasConflict = kept.some(({ looked }) => looked.relation.is === 'conflict')
  if (json)
    printJson(io, {
      ...{ entity: entity.name, already, repaired, left, report: report ?? null, dryRun: false },
      keys: kept.map(({ looked: { key, relation }, why }) => ({ key, is: relation.is, why: why ?? null })),
    })
  else {
    printFacts(io, {
      entity: entity.name,
      'the same by now': grouped(already),
      repaired: grouped(repaired),
      left: grouped(left),
      report,
      next:
        left === 0
          ? `npx backsync verify ${entity.name}`
          : hasConflict && winner === undefined
            ? `npx backsync repair ${entity.name} --winner aurora --dry-run, or dynamo`
            : `npx backsync key ${entity.name} ${JSON.stringify(one?.looked.key ?? '')}`,
    })
    for (const { looked, why } of kept)
      printLine(io, `left ${looked.key}: ${looked.relation.is}${why === undefined ? '' : `, ${why}`}`)
  }
}

const shown = (entity: Entity, { looked, action, owner }: ToRepair) => ({
  ...{ key: looked.key, is: looked.relation.is, owner, action, fields: looked.relation.fields },
  before: sides(entity, looked),
})

const sides = (entity: Entity, { aurora, dynamo }: Looked) => ({
  aurora: recordOf(entity, aurora),
  dynamo: recordOf(entity, dynamo),
})

const recordOf = (entity: Entity, record: ReadRecord) => ({
  ...{
    state: record.state,
    version: String(record.version),
    owner: record.owner,
    epoch: String(record.epoch),
  },
  ...(record.state === 'held' && { at: record.at, row: jsonRow(entity, record.row) }),
  ...(record.state === 'unread' && { code: record.error.code, message: record.error.message }),
})
