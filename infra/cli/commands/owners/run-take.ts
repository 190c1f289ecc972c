import {
  planTakeover,
  runTakeover,
  type TakeoverPlan,
} from '../../../../functions/bridge/cutover/takeover.ts'
import { nameOfItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import type { ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import { printTable } from '../../conventions/results.ts'
import { openTakeover } from '../../target/open-takeover.ts'

/** A person reads no more of the rows to look at. */
const ROWS = 20

/**
 * Takes an entity over whose rows don't say whose their keys are.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runTake = async (
  context: Context,
  entity: Entity,
  options: FillingOptions,
): Promise<ExitCode> => {
  const { io, target, interrupt: signal } = context
  const { again, segments: wanted } = options
  const { name } = entity
  const parts = openTakeover(context)
  const plan = await planTakeover(entity, parts, { again, segments: wanted, signal })
  const { job, extent, estimate, todo, since = null, segments, segmentsDone } = plan
  return runFilling(context, options, {
    ...{ jobs: parts.jobs, job, todo, extent },
    stage: { what: 'items', total: extent.items },
    facts: { entity: name, todo, since, estimate, segments, segmentsDone },
    lines: { entity: name, owners: ownersText(since), 'to do': planText(plan) },
    question: `Taking over ${name} on ${target.description}: ${planText(plan)}. From its end on each key is written at its owner only`,
    run: (run) => runTakeover(plan, { ...run, ...parts }),
    interruptedAt: ({ tally, ...taken }) =>
      `${grouped(tally.items)} items are looked at, ${taken.segmentsDone} of ${taken.segments} segments are done`,
    ended: (taken) => {
      const { items, applied, refused } = taken.tally
      const rows = taken.refusals.map(({ key, why }) => ({ key: nameOfItem(entity, key), why }))
      return {
        facts: { segmentsDone: taken.segments, items, taken: applied, toLookAt: refused, rows },
        lines: {
          entity: name,
          'items read': grouped(items),
          'given to DynamoDB': grouped(applied),
          'to look at': grouped(refused),
        },
        next: refused > 0 ? `npx backsync key ${name} KEY` : 'npx backsync owners list',
        left: refused > 0,
        ...(refused > 0 && {
          more: () =>
            printTable(
              io,
              ['key', 'reason'],
              rows.map(({ key, why }) => [key, why]),
              ROWS,
            ),
        }),
      }
    },
  })
}

const ownersText = (since: string | null): string => (since === null ? 'not known' : `known since ${since}`)

/** What is about to be done, for people. */
const planText = ({ todo, segments, segmentsDone, table, estimate }: TakeoverPlan): string => {
  if (todo === 'nothing') return 'nothing; --again goes over its items once more'
  const items = `about ${grouped(estimate)} items`
  return todo === 'go on'
    ? `go on with ${table}, ${items}: ${segmentsDone} of ${segments} segments are done`
    : `scan ${table}, ${items}, in ${segments} segments`
}
