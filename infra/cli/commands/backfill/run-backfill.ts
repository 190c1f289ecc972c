import {
  type BackfillMode,
  type BackfillPlan,
  type BackfillStep,
  planBackfill,
  runBackfill,
} from '../../../../functions/bridge/backfill/backfill.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import type { ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling, type Stage } from '../../conventions/filling.ts'
import { openBackfill } from '../../target/open-backfill.ts'

/**
 * Fills Aurora with an entity's items; or makes its rows again what the items are, deletes included.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runBackfillCommand = async (
  context: Context,
  mode: BackfillMode,
  entity: Entity,
  options: FillingOptions,
): Promise<ExitCode> => {
  const { target, interrupt: signal } = context
  const { again, segments: wanted } = options
  const { name } = entity
  const parts = openBackfill(context)
  const plan = await planBackfill(entity, parts, { mode, again, segments: wanted, signal })
  const { job, extent, estimate, todo, segments, segmentsDone, refersTo, endedAt = null } = plan
  const stages: Readonly<Record<BackfillStep, Stage>> = {
    items: { what: 'items', total: extent.items },
    rows: { what: 'rows' },
  }
  return runFilling(context, options, {
    ...{ jobs: parts.jobs, job, todo, extent },
    stage: stages[plan.step],
    facts: { entity: name, from: 'dynamo', todo, estimate, segments, segmentsDone, refersTo, endedAt },
    lines: {
      entity: name,
      'to do': planText(plan),
      ...(refersTo.length > 0 && { 'refers to': `${refersTo.join(', ')}: fill these first` }),
    },
    question: `${WHAT[mode](name)} on ${target.description}: ${planText(plan)}`,
    run: ({ onProgress, ...run }) =>
      runBackfill(plan, {
        ...run,
        ...parts,
        onProgress: (step, tally) => onProgress(tally, stages[step]),
      }),
    interruptedAt: ({ step, items, rows, ...filled }) =>
      step === 'items'
        ? `${grouped(items.items)} items are read, ${filled.segmentsDone} of ${filled.segments} segments are done`
        : `all items are read, and ${grouped(rows.items)} rows are looked at`,
    ended: ({ items, rows, segments: all }) => {
      const parked = items.refused + rows.refused
      const { newer = 0, passed = 0 } = items
      const already = items.skipped - newer - passed
      return {
        facts: {
          segmentsDone: all,
          items: items.items,
          written: items.applied,
          held: items.skipped,
          ...{ already, newer, passed },
          ...(mode === 'resync' && { rows: rows.items, deleted: rows.applied }),
          parked,
        },
        lines: {
          entity: name,
          'items read':
            estimate > 0 ? `${grouped(items.items)} of about ${grouped(estimate)}` : grouped(items.items),
          'rows written': grouped(items.applied),
          'there already': grouped(already),
          'newer there': grouped(newer),
          'not to be filled': grouped(passed),
          ...(mode === 'resync' && {
            'rows looked at': grouped(rows.items),
            'rows deleted': grouped(rows.applied),
          }),
          parked: grouped(parked),
        },
        next: parked > 0 ? 'npx backsync parked list' : undefined,
        left: parked > 0,
      }
    },
  })
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
