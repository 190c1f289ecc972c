import {
  type BackfillMode,
  type BackfillPlan,
  planBackfill,
  runBackfill,
} from '../../../../functions/bridge/backfill/backfill.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { printFacts, printJson } from '../../conventions/results.ts'
import { openBackfill } from '../../target/open-backfill.ts'
import { withLease } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { backfillProgress } from './progress.ts'

export type BackfillOptions = {
  readonly maxRate?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
  readonly again?: boolean | undefined
}

/**
 * Fills Aurora with an entity's items; or makes its rows again what the items are, deletes included.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runBackfillCommand = async (
  context: Context,
  mode: BackfillMode,
  entity: Entity,
  { maxRate, concurrency, segments: wanted, again }: BackfillOptions,
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name } = entity
  const parts = openBackfill(context)
  const plan = await planBackfill(entity, parts, { mode, again, segments: wanted, signal: interrupt })
  const { estimate, todo, segments, segmentsDone, refersTo, endedAt = null } = plan
  const facts = { entity: name, from: 'dynamo', todo, estimate, segments, segmentsDone, refersTo, endedAt }
  if (context.dryRun || todo === 'nothing') {
    if (json) printJson(io, { ...facts, dryRun: context.dryRun })
    else
      printFacts(io, {
        entity: name,
        'to do': planText(plan),
        ...(refersTo.length > 0 && { 'refers to': `${refersTo.join(', ')}: fill these first` }),
      })
    return EXIT.done
  }
  await confirm(io, {
    what: `${WHAT[mode](name)} on ${target.description}: ${planText(plan)}`,
    expected: target.name,
    yes: context.yes,
    signal: interrupt,
  })

  const limiter = new RateLimiter({ maxRate })
  const progress = backfillProgress(io, { step: plan.step, estimate, limiter, maxRate })
  const outcome = await withLease(parts.jobs, plan.job, () =>
    runBackfill(plan, {
      ...parts,
      by: whoami(),
      signal: interrupt,
      limiter,
      concurrency,
      onBegin: progress.begin,
      onProgress: progress.show,
    }),
  ).finally(progress.end)
  const { items, rows } = outcome
  if (!outcome.done)
    throw interrupted(
      outcome.step === 'items'
        ? `interrupted: ${grouped(items.items)} items are read, ${outcome.segmentsDone} of ${outcome.segments} segments are done`
        : `interrupted: all items are read, and ${grouped(rows.items)} rows are looked at`,
      `go on with: ${context.goOn}`,
    )
  const seconds = progress.seconds()
  const parked = items.refused + rows.refused
  if (json)
    printJson(io, {
      ...facts,
      segmentsDone: outcome.segments,
      items: items.items,
      written: items.applied,
      held: items.skipped,
      ...(mode === 'resync' && { rows: rows.items, deleted: rows.applied }),
      parked,
      seconds,
      dryRun: false,
    })
  else
    printFacts(io, {
      entity: name,
      'items read':
        estimate > 0 ? `${grouped(items.items)} of about ${grouped(estimate)}` : grouped(items.items),
      'rows written': grouped(items.applied),
      'there already, newer or not to be filled': grouped(items.skipped),
      ...(mode === 'resync' && {
        'rows looked at': grouped(rows.items),
        'rows deleted': grouped(rows.applied),
      }),
      parked: grouped(parked),
      took: duration(seconds),
      ...(parked > 0 && { next: 'npx backsync parked list' }),
    })
  return parked > 0 ? EXIT.differences : EXIT.done
}

const WHAT: Readonly<Record<BackfillMode, (name: string) => string>> = {
  backfill: (name) => `Filling Aurora with the items of ${name}`,
  resync: (name) => `Making the rows of ${name} what its items are, and deleting those whose items are gone,`,
}

/** What is about to be done, for people. */
const planText = ({ todo, step, segments, segmentsDone, table, estimate, endedAt }: BackfillPlan): string => {
  if (todo === 'nothing')
    return `nothing, it ended at ${endedAt ?? 'some time'}; --again goes over its items once more`
  if (step === 'rows') return 'go on with the rows; all items are read'
  const items = `about ${grouped(estimate)} items`
  return todo === 'go on'
    ? `go on with ${table}, ${items}: ${segmentsDone} of ${segments} segments are done`
    : `scan ${table}, ${items}, in ${segments} segments`
}
