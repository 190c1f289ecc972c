import { type GuardReport, guardReportOf } from '../../../../functions/bridge/cutover/guard-report.ts'
import { isWatched } from '../../../../functions/bridge/cutover/guard-route.ts'
import { WatchNotes } from '../../../../functions/bridge/cutover/watch-notes.ts'
import { openDynamo } from '../../../../functions/bridge/drivers/dynamo/client.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { standsAt } from '../../../../functions/bridge/model/route.ts'
import { type RouteReport, routeOf } from '../../../../functions/bridge/routes/route-of.ts'
import { entities } from '../../../../functions/entities/index.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { stderrLog } from '../../target/log.ts'
import { openRoutes } from '../../target/open-cutover.ts'
import { openJobs } from '../../target/open-jobs.ts'
import { restoredStores } from '../../target/open-marks.ts'

const STORES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

export const runRouteStatus = async (
  context: Context,
  all: readonly Entity[] = entities,
): Promise<ExitCode> => {
  const { io, json, target, debug } = context
  const notes = new WatchNotes(openJobs(target, openDynamo()).notes, stderrLog(io, debug))
  const routes = openRoutes(context)
  const reports: RouteReport[] = []
  const guards = new Map<string, GuardReport | null>()
  for (const entity of all) {
    const report = await routeOf(entity, routes)
    const { lastMove, ...stand } = report
    reports.push(report)
    const route = { ...stand, history: lastMove === null ? [] : [lastMove] }
    guards.set(
      entity.name,
      guardReportOf(route, isWatched(route) ? await notes.read(entity.name) : undefined, Date.now()),
    )
  }
  const isOpen = ({ name }: Entity): boolean =>
    reports.some(({ entity, stage }) => entity === name && stage !== 'complete')
  const back = await restoredStores(target, all.filter(isOpen))
  const rows = reports.map((report) => {
    const { store: restored = null, next = nextOf(report) } = back.get(report.entity) ?? {}
    return { ...report, restored, guard: guards.get(report.entity) ?? null, next }
  })
  if (json) printJsonLines(io, rows)
  else if (rows.length === 0) printLine(io, 'no entity is defined')
  else {
    printTable(
      io,
      ['route', 'stands at', 'move', 'since', 'keys', 'next'],
      rows.map(({ entity, standing, epoch, lastMove, settledAt, frozen, allow, deny, restored, next }) => [
        entity,
        [
          standing,
          ...(allow.length > 0 ? [`${allow.length} allowed`] : []),
          ...(deny.length > 0 ? [`${deny.length} denied`] : []),
          ...(frozen === null ? [] : ['frozen']),
          ...(restored === null ? [] : [`${STORES[restored]} was restored`]),
        ].join(', '),
        String(epoch),
        lastMove?.at ?? '-',
        epoch === 0n ? '-' : settledAt === null ? 'following' : `settled at ${settledAt}`,
        next ?? '-',
      ]),
    )
    printGuards(context, rows)
  }
  return rows.every(({ next }) => next === null) ? EXIT.done : EXIT.differences
}

/** What the guard makes of the routes that it watches; of each signal what it has seen, and how near that is to a verdict. */
const printGuards = (
  { io }: Context,
  rows: readonly { readonly entity: string; readonly guard: GuardReport | null }[],
): void => {
  const watched = rows.flatMap(({ entity, guard }) =>
    (guard?.signals ?? []).map(({ seen, proved, lacks }, at) => {
      const says = [guard?.verdict ?? '', ...(guard?.note ? [guard.note] : [])].join('; ')
      return [...(at === 0 ? [entity, says] : ['', '']), seen, proved, lacks ?? '-']
    }),
  )
  if (watched.length === 0) return
  printLine(io, '')
  printTable(io, ['route', 'guard', 'seen', 'proved', 'lacks'], watched)
}

const nextOf = ({ entity, epoch, frozen, settledAt }: RouteReport): string | null => {
  if (frozen !== null) return `npx backsync cutover freeze ${entity} --thaw`
  return epoch > 0n && settledAt === null ? `npx backsync cutover sweep ${entity}` : null
}

export const runHistory = async (context: Context, entity: Entity): Promise<ExitCode> => {
  const { io, json } = context
  const { history } = (await openRoutes(context).read(entity.name)).route
  if (json) printJsonLines(io, history)
  else if (history.length === 0) printLine(io, `the route of ${entity.name} was never moved`)
  else
    printTable(
      io,
      ['move', 'at', 'from', 'to', 'by', 'why'],
      history.map(({ epoch, at, from, to, by, why, forced, lists }) => [
        String(epoch),
        at,
        standsAt(from),
        lists === undefined ? standsAt(to) : `${standsAt(to)}, ${lists} keys listed or taken out`,
        by,
        [why ?? '-', ...(forced === undefined ? [] : [`forced: ${forced.join(', ')}`])].join('; '),
      ]),
    )
  return EXIT.done
}
