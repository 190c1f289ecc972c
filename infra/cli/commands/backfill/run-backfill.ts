import {
  type BackfillOutcome,
  readBackfill,
  runBackfill,
} from '../../../../functions/bridge/backfill/backfill.ts'
import {
  type BackfillFrom,
  type BackfillMode,
  type BackfillPlan,
  type BackfillStep,
  planBackfill,
  stepsOfBackfill,
} from '../../../../functions/bridge/backfill/backfill-plan.ts'
import { FillNotReadyError } from '../../../../functions/bridge/backfill/errors.ts'
import { machineSegments } from '../../../../functions/bridge/jobs/fill-requests.ts'
import type { Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import { worstLag } from '../../../../functions/bridge/jobs/worst-lag.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import type { Stage } from '../../conventions/progress.ts'
import { openBackfill } from '../../target/open-backfill.ts'
import { openStreamLag } from '../../target/open-stream-lag.ts'
import { requireBothKept } from '../../target/require-kept.ts'

/**
 * Fills one store with the other one's records of an entity; or makes both one again, deletes included.
 *
 * @throws CliError with exit code 4 when it is refused or isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runBackfillCommand = async (
  context: Context,
  mode: BackfillMode,
  entity: Entity,
  { from, ...options }: FillingOptions & { readonly from: BackfillFrom },
): Promise<ExitCode> => {
  const { target, interrupt: signal } = context
  const { again, segments: wanted, on } = options
  const division = { again, segments: wanted, ...(on === 'aws' && { countSegments: machineSegments }) }
  const { name } = entity
  await requireBothKept(context, entity)
  const parts = openBackfill(context)
  const stream = openStreamLag(context, 'BackSyncFunctionName')
  const plan = await refusing(planBackfill(entity, parts, { mode, from, ...division, signal }))
  const { job, extent, estimate, todo, segments, segmentsDone, refersTo, endedAt = null } = plan
  const stages: Readonly<Record<BackfillStep, Stage>> = {
    items: { what: 'items', total: extent.items },
    rows: { what: 'rows of DynamoDB’s' },
    records: { what: 'rows', ...(from === 'aurora' && { total: extent.items }) },
    gone: { what: 'items of Aurora’s' },
  }
  return runFilling(context, options, {
    ...{ jobs: parts.jobs, job, todo, extent },
    stage: stages[plan.step],
    facts: { entity: name, from, todo, estimate, segments, segmentsDone, refersTo, endedAt },
    lines: {
      entity: name,
      'to do': planText(plan),
      ...(refersTo.length > 0 && { 'refers to': `${refersTo.join(', ')}: fill these first` }),
    },
    question: `${questionOf(mode, from, name)} on ${target.description}: ${planText(plan)}`,
    // The relay writes to the same table in DynamoDB, the stream's function to the same database.
    lag: async () =>
      worstLag(
        from === 'dynamo' ? undefined : await parts.lag(),
        from === 'aurora' ? undefined : await stream(),
      ),
    run: ({ onProgress, ...run }) =>
      runBackfill(plan, {
        ...run,
        ...parts,
        onProgress: (step, tally) => onProgress(tally, stages[step]),
      }),
    machine: {
      output: 'BackfillStateMachineArn',
      request: { entity: name, mode, from },
      stageOf: (step) => stages[stepsOfBackfill(plan).find((known) => known === step) ?? plan.step],
      outcome: (record) => readBackfill(plan, parts.jobs, record),
    },
    interruptedAt,
    ended: (outcome) => {
      const { items, rows, records, gone } = outcome
      const parked = [items, rows, records, gone].reduce((sum, { refused }) => sum + refused, 0)
      const of = from === 'aurora' ? records : items
      const [deletes, counted] = from === 'aurora' ? [gone, 'items'] : [rows, 'rows']
      return {
        facts: {
          segmentsDone: outcome.segments,
          ...countsOf(of),
          ...(mode === 'resync' && { [counted]: deletes.items, deleted: deletes.applied }),
          ...(from === 'both' && { fromAurora: { ...countsOf(records), deleted: gone.applied } }),
          parked,
        },
        lines: {
          entity: name,
          ...(from !== 'aurora' && linesOf('items', 'rows', items, estimate)),
          ...(from !== 'aurora' &&
            mode === 'resync' && {
              'rows looked at': grouped(rows.items),
              'rows deleted': grouped(rows.applied),
            }),
          ...(from === 'aurora' && linesOf('rows', 'items', records, estimate)),
          ...(from === 'both' && {
            'rows read': grouped(records.items),
            'items written': grouped(records.applied),
          }),
          ...(from !== 'dynamo' &&
            mode === 'resync' && {
              'items looked at': grouped(gone.items),
              'items deleted': grouped(gone.applied),
            }),
          parked: grouped(parked),
        },
        next: parked > 0 ? 'npx backsync parked list' : undefined,
        left: parked > 0,
      }
    },
  })
}

/** What has to be done before ends with 4: nothing was changed. */
const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof FillNotReadyError)) throw cause
    const { code, message, cure: hint } = cause
    throw new CliError({ code, message, hint, exit: EXIT.refused }, { cause })
  }
}

const toldApart = ({ skipped, newer = 0, passed = 0 }: Tally) => ({
  already: skipped - newer - passed,
  newer,
  passed,
})

const countsOf = (tally: Tally) => ({
  items: tally.items,
  written: tally.applied,
  held: tally.skipped,
  ...toldApart(tally),
})

const linesOf = (read: string, written: string, tally: Tally, estimate: number) => {
  const { already, newer, passed } = toldApart(tally)
  const items = grouped(tally.items)
  return {
    [`${read} read`]: estimate > 0 ? `${items} of about ${grouped(estimate)}` : items,
    [`${written} written`]: grouped(tally.applied),
    'there already': grouped(already),
    'newer there': grouped(newer),
    'not to be filled': grouped(passed),
  }
}

const interruptedAt = ({ step, items, rows, records, gone, ...filled }: BackfillOutcome): string => {
  const segments = `${filled.segmentsDone} of ${filled.segments} segments are done`
  switch (step) {
    case 'items':
      return `${grouped(items.items)} items are read, ${segments}`
    case 'rows':
      return `all items are read, and ${grouped(rows.items)} rows are looked at`
    case 'records':
      return `${grouped(records.items)} rows are read, ${segments}`
    case 'gone':
      return `all rows are read, and ${grouped(gone.items)} items are looked at, ${segments}`
  }
}

const questionOf = (mode: BackfillMode, from: BackfillFrom, name: string): string => {
  if (mode === 'backfill')
    return from === 'aurora'
      ? `Filling DynamoDB with the rows of ${name}`
      : `Filling Aurora with the items of ${name}`
  const rows = `the rows of ${name} what its items are, and deleting those whose items are gone,`
  const items = `the items of ${name} what its rows are, and deleting those whose rows are gone,`
  if (from === 'dynamo') return `Making ${rows}`
  return from === 'aurora'
    ? `Making ${items}`
    : `Making, of what DynamoDB owns, ${rows} and, of what Aurora owns, ${items}`
}

/** What is about to be done, for people. */
const planText = (plan: BackfillPlan): string => {
  const { todo, step, from, segments, segmentsDone, table, estimate, endedAt, entity } = plan
  if (todo === 'nothing')
    return `nothing, it ended at ${endedAt ?? 'some time'}; --again goes over its ${from === 'aurora' ? 'rows' : 'items'} once more`
  if (step === 'rows') return 'go on with the rows; all items are read'
  if (step === 'gone') return 'go on with the items; all rows are read'
  const [where, amount] =
    step === 'records'
      ? [entity.table, from === 'aurora' ? `about ${grouped(estimate)} rows` : 'its rows']
      : [table, `about ${grouped(estimate)} items`]
  if (todo === 'go on')
    return `go on with ${where}, ${amount}: ${segmentsDone} of ${segments} segments are done`
  return `${step === 'records' ? 'read' : 'scan'} ${where}, ${amount}, in ${segments} segments`
}
