import type { SweepPrice } from '../../../../functions/bridge/cutover/move-extent.ts'
import {
  MoveFaultError,
  type MoveParts,
  type MovePlan,
  planRouteMove,
  runRouteMove,
} from '../../../../functions/bridge/cutover/move-route.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { pathOf } from '../../../../functions/bridge/model/paths.ts'
import { type Placement, standsAt } from '../../../../functions/bridge/model/route.ts'
import { lastRung, nextRung } from '../../../../functions/bridge/model/route-moves.ts'
import { RouteChangedError } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { printFacts, printJson, printTable } from '../../conventions/results.ts'
import { openCutover } from '../../target/open-cutover.ts'
import { whoami } from '../../target/whoami.ts'

type Wish = { readonly [Name in keyof Placement]?: Placement[Name] | undefined }
type Reason = { readonly why?: string | undefined; readonly force?: boolean | undefined }

/** Moves a route to a placement, or shows what that would do. */
export const runMoveTo = async (
  context: Context,
  entity: Entity,
  wish: Wish,
  reason: Reason,
): Promise<ExitCode> => {
  const { move } = openCutover(context)
  const said = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined))
  return carryOut(context, await refusing(planRouteMove(entity, said, move)), reason, move)
}

/** Moves a route one rung. */
export const runMoveBy = async (
  context: Context,
  entity: Entity,
  way: 'on' | 'back',
  reason: Reason,
): Promise<ExitCode> => {
  const { move } = openCutover(context)
  const { route } = await move.routes.read(entity.name)
  const to = way === 'on' ? nextRung(route) : lastRung(route)
  if (to === undefined)
    throw new CliError({
      code: 'route.no-rung',
      message: `the route of ${entity.name} is ${standsAt(route)}: there is no rung ${way === 'on' ? 'above' : 'below'} that`,
      hint:
        way === 'on' && route.stage === 'live'
          ? `what has no way back is set by its name: npx backsync cutover set ${entity.name} complete`
          : `npx backsync cutover status ${entity.name}`,
      exit: EXIT.refused,
    })
  return carryOut(context, await refusing(planRouteMove(entity, to, move)), reason, move)
}

const carryOut = async (
  context: Context,
  plan: MovePlan,
  { why, force = false }: Reason,
  parts: MoveParts,
): Promise<ExitCode> => {
  const { io, json, target, dryRun, yes, interrupt } = context
  const { entity, was, to, refusals } = plan
  const { name } = entity
  const [from, next] = [standsAt(was.route), standsAt(to)]
  const isStopped = refusals.length > 0 && !force
  if (dryRun || isStopped) {
    if (json) printJson(io, { ...factsOf(plan), dryRun })
    else tell(context, plan)
    if (dryRun) return EXIT.done
    throw new CliError({
      code: 'route.refused',
      message: `the route of ${name} stays at ${from}: ${refusals.map(({ says }) => says).join('; ')}`,
      hint: `${refusals[0]?.cure ?? ''}; --force --why TEXT moves it all the same`,
      exit: EXIT.refused,
    })
  }
  const isFinal = to.stage === 'complete'
  // Whoever is to type its name has seen who still reads there.
  if (isFinal && !json)
    for (const [what, who] of Object.entries(readersOf(plan))) io.stderr.write(`${what}: ${who}\n`)
  await confirm(io, {
    what: `Moving the route of ${name} from ${from} to ${next} on ${target.description}${isFinal ? ', from where there is no way back' : ''}`,
    expected: isFinal ? name : target.name,
    yes,
    signal: interrupt,
  })
  const route = await refusing(runRouteMove(plan, { by: whoami(), why, force }, parts))
  const sweep = `npx backsync cutover sweep ${name}`
  if (json) printJson(io, { ...factsOf(plan), epoch: route.epoch, next: sweep, dryRun })
  else
    printFacts(io, {
      route: name,
      from,
      to: standsAt(route),
      move: String(route.epoch),
      next: `keys follow with their next write; all of them: ${sweep}`,
    })
  return EXIT.done
}

/** What isn't possible, or was changed by somebody else, ends with 4: nothing was changed. */
const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof MoveFaultError || cause instanceof RouteChangedError)) throw cause
    throw new CliError(
      {
        code: cause.code,
        message: cause.message,
        hint: 'see npx backsync cutover status',
        exit: EXIT.refused,
      },
      { cause },
    )
  }
}

const factsOf = ({ entity, was, to, forward, refusals, extent, readers }: MovePlan) => ({
  ...{ route: entity.name, from: standsAt(was.route), to: standsAt(to), forward },
  ...{ placement: to, keys: extent ?? null, refusals },
  ...(readers && { readers }),
})

/** Who would be left without what is new. */
const readersOf = ({ entity, readers }: MovePlan): Record<string, string> => {
  if (readers === undefined) return {}
  const path = pathOf(entity, 'aurora')
  const sql = `nobody can tell here: ask the database who reads ${entity.table}`
  if ('unknown' in readers) return { 'readers there': `not known: ${readers.unknown}`, 'by SQL': sql }
  const { hours, reads, writes, latest } = readers.value
  return {
    'readers there':
      latest === null
        ? `none at ${path} in ${hours} hours`
        : `${grouped(reads)} reads and ${grouped(writes)} writes at ${path} in ${hours} hours, the last in the hour from ${latest}`,
    'by SQL': sql,
  }
}

const priceOf = ({ dataApi, reads, writes, seconds }: SweepPrice): string =>
  `${grouped(dataApi)} calls of the Data API, ${grouped(reads)} reads and ${grouped(writes)} writes of items, ${duration(seconds)}`

const tell = ({ io }: Context, plan: MovePlan): void => {
  const { entity, was, to, forward, refusals, extent } = plan
  const about = extent?.exact === false ? 'about ' : ''
  printFacts(io, {
    route: entity.name,
    from: standsAt(was.route),
    to: standsAt(to),
    way: forward ? 'on' : 'back',
    keys:
      extent && `${about}${grouped(extent.keys)}, of which ${about}${grouped(extent.moving)} change hands`,
    sweep:
      extent &&
      (extent.usual === undefined
        ? `at most ${priceOf(extent.sweep)}`
        : `about ${priceOf(extent.usual)}; at most ${grouped(extent.sweep.dataApi)}, ${grouped(extent.sweep.reads)} and ${grouped(extent.sweep.writes)}`),
    ...readersOf(plan),
    gates: refusals.length === 0 ? (forward ? 'open' : 'none') : `${refusals.length} closed`,
  })
  if (refusals.length > 0)
    printTable(
      io,
      ['gate', 'why', 'what to do'],
      refusals.map(({ gate, says, cure }) => [gate, says, cure]),
    )
}
