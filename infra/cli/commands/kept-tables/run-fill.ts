import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { type FillPlan, planFill, runFill } from '../../../../functions/bridge/tables/fill.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { printFacts, printJson } from '../../conventions/results.ts'
import { openJobs, withLease } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { fillProgress } from './fill-progress.ts'
import { openFollowing } from './open-following.ts'
import { refusing } from './refusing.ts'

export type FillOptions = {
  readonly maxRate?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
  /** Fills anew what is filled or interrupted, and reopens what is finished. */
  readonly again?: boolean | undefined
}

/**
 * Fills a kept table with what its source holds already, beside the stream that keeps it.
 *
 * @throws CliError with exit code 4 when no stream keeps it, 5 while somebody else fills it, 130 when interrupted
 */
export const runFillCommand = async (
  context: Context,
  projection: Projection,
  { maxRate, concurrency, segments: wanted, again }: FillOptions,
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name, kind, from } = projection
  const sync = openFollowing(context, projection)
  const jobs = openJobs(target, sync.client)
  const plan = await refusing(
    planFill(projection, { sync, jobs, signal: interrupt }, { again, segments: wanted }),
  )
  const { estimate, todo, segments, segmentsDone } = plan
  const facts = { name, kind, from: from.name, estimate, todo, segments, segmentsDone }
  if (context.dryRun || todo === 'nothing') {
    if (json) printJson(io, { ...facts, dryRun: context.dryRun })
    else printFacts(io, { table: name, from: from.name, 'to do': planText(plan) })
    return EXIT.done
  }

  const limiter = new RateLimiter({ maxRate })
  const progress = fillProgress(io, { estimate, limiter, maxRate })
  const filled = await withLease(jobs, plan.job, () =>
    runFill(plan, {
      sync,
      jobs,
      by: whoami(),
      signal: interrupt,
      limiter,
      concurrency,
      onBegin: progress.begin,
      onProgress: progress.show,
    }),
  ).finally(progress.end)
  const { items, applied, skipped } = filled.tally
  if (!filled.done)
    throw interrupted(
      `interrupted: ${grouped(items)} items are filled in, ${filled.segmentsDone} of ${filled.segments} segments are done`,
      `go on with: ${context.goOn}`,
    )
  const parked = (await sync.parking.parkedOf(name)).size
  const seconds = progress.seconds()
  if (json)
    printJson(io, {
      ...facts,
      segmentsDone: filled.segments,
      items,
      applied,
      skipped,
      parked,
      seconds,
      dryRun: false,
    })
  else
    printFacts(io, {
      table: name,
      from: from.name,
      'items read': grouped(items),
      applied: grouped(applied),
      skipped: `${grouped(skipped)} (there already, or newer)`,
      parked: grouped(parked),
      took: duration(seconds),
      next:
        parked > 0
          ? `npx backsync parked list --entity ${name}`
          : `npx backsync ${kind} status ${name} --verify`,
    })
  return parked > 0 ? EXIT.differences : EXIT.done
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
