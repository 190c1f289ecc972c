import { describeTable } from '../../../../functions/bridge/drivers/dynamo/describe.ts'
import { segmentsOf } from '../../../../functions/bridge/jobs/segments.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { printFacts, printJson } from '../../conventions/results.ts'
import { openJobs, withLease } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { fill } from './fill.ts'
import { FILL, type Fill, fillJobOf, readFill } from './fill-job.ts'
import { openFollowing } from './following.ts'

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
export const runFill = async (
  context: Context,
  projection: Projection,
  options: FillOptions,
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name, kind, from } = projection
  const { sync, finished } = await openFollowing(context, projection, options.again === true)
  const jobs = openJobs(target, sync.client)
  const table = sync.tables.of(from.name)
  const { items: estimate } = await describeTable(sync.client, table, {
    deadline: sync.deadline,
    signal: interrupt,
  })
  const known = await readFill(jobs, projection, Date.now())
  const plan = planOf(known, { ...options, segments: options.segments ?? segmentsOf(estimate) })
  const facts = { name, kind, from: from.name, estimate, ...plan }
  if (context.dryRun || plan.todo === 'nothing') {
    if (json) printJson(io, { ...facts, dryRun: context.dryRun })
    else
      printFacts(io, {
        table: name,
        from: from.name,
        'to do': describe(plan, { table, estimate, finished, filledAt: known.record?.endedAt }),
      })
    return EXIT.done
  }

  const by = whoami()
  const job = fillJobOf(projection)
  const spec = { from: table, to: sync.tables.of(name) }
  const { segments } = plan
  const again = options.again === true && 'unfinished'
  const lease = await withLease(jobs, job, () =>
    jobs.take({ job, kind: FILL, spec, segments, step: FILL, by, again }),
  )
  if (finished) await sync.states.reopen(name, by, new Date())
  const begun = performance.now()
  const { items, applied, skipped } = await withLease(jobs, job, () =>
    fill(context, projection, { sync, lease, estimate, ...options }),
  )
  const parked = (await sync.parking.parkedOf(name)).size
  const seconds = (performance.now() - begun) / 1000
  if (json)
    printJson(io, {
      ...facts,
      segmentsDone: lease.record.segments,
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

type Plan = {
  readonly todo: 'begin' | 'go on' | 'nothing'
  readonly segments: number
  readonly segmentsDone: number
}

/** A job that goes on keeps its segments: a position belongs to one division of the table. */
const planOf = (
  { state, segments, segmentsDone }: Fill,
  { again, segments: wanted }: FillOptions & { readonly segments: number },
): Plan => {
  if (again === true || state === 'never') return { todo: 'begin', segments: wanted, segmentsDone: 0 }
  return { todo: state === 'done' ? 'nothing' : 'go on', segments, segmentsDone }
}

const describe = (
  { todo, segments, segmentsDone }: Plan,
  of: {
    readonly table: string
    readonly estimate: number
    readonly finished: boolean
    readonly filledAt: string | undefined
  },
): string => {
  if (todo === 'nothing') return `nothing: it was filled at ${of.filledAt ?? '?'}; --again fills it once more`
  const items = `about ${grouped(of.estimate)} items`
  if (todo === 'go on')
    return `go on with ${of.table}, ${items}: ${segmentsDone} of ${segments} segments are done`
  return `${of.finished ? 'follow the stream again, then ' : ''}scan ${of.table}, ${items}, in ${segments} segments`
}
