import { machineSegments } from '../../../../functions/bridge/jobs/fill-requests.ts'
import { worstLag } from '../../../../functions/bridge/jobs/worst-lag.ts'
import { type FillPlan, planFill, readFill, runFill } from '../../../../functions/bridge/tables/fill.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import type { ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { type FillingOptions, runFilling } from '../../conventions/filling.ts'
import { openJobs } from '../../target/open-jobs.ts'
import { openStreamLag } from '../../target/open-stream-lag.ts'
import { openFollowing } from './open-following.ts'
import { refusing } from './refusing.ts'

/**
 * Fills a kept table with what its source holds already, beside the stream that keeps it.
 *
 * @throws CliError with exit code 4 when no stream keeps it, 5 while somebody else fills it, 130 when interrupted
 */
export const runFillCommand = async (
  context: Context,
  projection: Projection,
  options: FillingOptions,
): Promise<ExitCode> => {
  const { again, segments: wanted, on } = options
  const division = { again, segments: wanted, ...(on === 'aws' && { countSegments: machineSegments }) }
  const { name, kind, from } = projection
  const sync = openFollowing(context, projection)
  const jobs = openJobs(context.target, sync.client)
  const stream = openStreamLag(context, 'TableSyncFunctionName')
  const plan = await refusing(planFill(projection, { sync, jobs, signal: context.interrupt }, division))
  const { job, extent, estimate, todo, segments, segmentsDone } = plan
  return runFilling(context, options, {
    ...{ jobs, job, todo, extent },
    stage: { what: 'items', total: extent.items },
    facts: { name, kind, from: from.name, estimate, todo, segments, segmentsDone },
    lines: { table: name, from: from.name, 'to do': planText(plan) },
    question: undefined,
    lag: async () => worstLag(undefined, await stream()),
    run: (run) => runFill(plan, { ...run, sync, jobs }),
    machine: {
      output: 'FillTablesStateMachineArn',
      request: { table: name },
      stageOf: () => ({ what: 'items', total: extent.items }),
      outcome: async () => {
        const { state, ...filled } = await readFill(jobs, projection, sync.now().getTime())
        return { ...filled, done: state === 'done' }
      },
    },
    interruptedAt: ({ tally, ...filled }) =>
      `${grouped(tally.items)} items are filled in, ${filled.segmentsDone} of ${filled.segments} segments are done`,
    ended: async (filled) => {
      const { items, applied, skipped } = filled.tally
      const parked = (await sync.parking.parkedOf(name)).size
      return {
        facts: { segmentsDone: filled.segments, items, applied, skipped, parked },
        lines: {
          table: name,
          from: from.name,
          'items read': grouped(items),
          applied: grouped(applied),
          skipped: `${grouped(skipped)} (there already, or newer)`,
          parked: grouped(parked),
        },
        next:
          parked > 0
            ? `npx backsync parked list --entity ${name}`
            : `npx backsync ${kind} status ${name} --verify`,
        left: parked > 0,
      }
    },
  })
}

/** What is about to be done, for people. */
const planText = ({
  todo,
  segments,
  segmentsDone,
  table,
  estimate,
  finished,
  endedAt = '?',
}: FillPlan): string => {
  if (todo === 'nothing') return `nothing: it was filled at ${endedAt}; --again fills it once more`
  const items = `about ${grouped(estimate)} items`
  if (todo === 'go on')
    return `go on with ${table}, ${items}: ${segmentsDone} of ${segments} segments are done`
  return `${finished ? 'follow the stream again, then ' : ''}scan ${table}, ${items}, in ${segments} segments`
}
