import {
  planTakeover,
  runTakeover,
  type TakeoverPlan,
} from '../../../../functions/bridge/cutover/takeover.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { nameOfItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { printFacts, printJson, printTable } from '../../conventions/results.ts'
import { withLease } from '../../target/open-jobs.ts'
import { openTakeover } from '../../target/open-takeover.ts'
import { whoami } from '../../target/whoami.ts'
import { fillProgress } from '../kept-tables/fill-progress.ts'

export type TakeOptions = {
  readonly maxRate?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
  readonly again?: boolean | undefined
}

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
  { maxRate, concurrency, segments: wanted, again }: TakeOptions,
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name } = entity
  const parts = openTakeover(context)
  const plan = await planTakeover(entity, parts, { again, segments: wanted, signal: interrupt })
  const { estimate, todo, since = null, segments, segmentsDone } = plan
  const facts = { entity: name, todo, since, estimate, segments, segmentsDone }
  if (context.dryRun || todo === 'nothing') {
    if (json) printJson(io, { ...facts, dryRun: context.dryRun })
    else printFacts(io, { entity: name, owners: ownersText(since), 'to do': planText(plan) })
    return EXIT.done
  }
  await confirm(io, {
    what: `Taking over ${name} on ${target.description}: ${planText(plan)}. From its end on each key is written at its owner only`,
    expected: target.name,
    yes: context.yes,
    signal: interrupt,
  })

  const limiter = new RateLimiter({ maxRate })
  const progress = fillProgress(io, { estimate, limiter, maxRate })
  const outcome = await withLease(parts.jobs, plan.job, () =>
    runTakeover(plan, {
      ...parts,
      by: whoami(),
      signal: interrupt,
      limiter,
      concurrency,
      onBegin: progress.begin,
      onProgress: progress.show,
    }),
  ).finally(progress.end)
  const { items, applied, refused }: Tally = outcome.tally
  if (!outcome.done)
    throw interrupted(
      `interrupted: ${grouped(items)} items are looked at, ${outcome.segmentsDone} of ${outcome.segments} segments are done`,
      `go on with: ${context.goOn}`,
    )
  const seconds = progress.seconds()
  const left = outcome.refusals.map(({ key, why }) => ({ key: nameOfItem(entity, key), why }))
  if (json)
    printJson(io, {
      ...facts,
      segmentsDone: outcome.segments,
      items,
      taken: applied,
      toLookAt: refused,
      rows: left,
      seconds,
      dryRun: false,
    })
  else {
    printFacts(io, {
      entity: name,
      'items read': grouped(items),
      'given to DynamoDB': grouped(applied),
      'to look at': grouped(refused),
      took: duration(seconds),
      next: refused > 0 ? `npx backsync key ${name} KEY` : 'npx backsync owners list',
    })
    if (refused > 0)
      printTable(
        io,
        ['key', 'reason'],
        left.map(({ key, why }) => [key, why]),
        ROWS,
      )
  }
  return refused > 0 ? EXIT.differences : EXIT.done
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
