import { triggerStates } from '../../../../functions/bridge/aurora/triggers/trigger-state.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openRoutes } from '../../target/open-cutover.ts'
import { restoredStores } from '../../target/open-marks.ts'
import { openTriggers } from '../../target/open-triggers.ts'

/** A trigger, or why it can't be told which there ought to be; or a store that was restored. */
type Row = {
  readonly entity: string
  readonly trigger: string | null
  readonly table: string
  readonly state: string
  readonly why: string | null
  readonly next: string | null
}

const tableOf = (name: string, entities: readonly Entity[]): string =>
  entities.find((entity) => entity.name === name)?.table ?? name

/** Of what is complete nothing is carried any more. A stack of an earlier release has no routes. */
const notComplete = async (context: Context, entities: readonly Entity[]): Promise<readonly Entity[]> => {
  if (context.target.outputs.RoutesTableName === undefined) return entities
  const routes = openRoutes(context)
  const kept: Entity[] = []
  for (const entity of entities.filter(({ mirror }) => mirror !== undefined))
    if ((await routes.read(entity.name)).route.stage !== 'complete') kept.push(entity)
  return kept
}

export const runStatus = async (context: Context, entities: readonly Entity[]): Promise<ExitCode> => {
  const { io, json, target } = context
  const all = await triggerStates(openTriggers(target), entities)
  const suffix = target.name === 'local' ? '' : ` --stack ${target.name}`
  const rows = all.flatMap(({ entity, states, fault }): Row[] => {
    const verb = entity.mirror === undefined ? 'remove' : 'install'
    const next = `npx backsync mirror ${verb} ${entity.name}${suffix}`
    const unfit = { entity: entity.name, trigger: null, table: entity.table, state: 'unfit', next: null }
    if (fault !== undefined) return [{ ...unfit, why: fault }]
    return states.map(({ name, table, state, why = null }) => ({
      ...{ entity: entity.name, trigger: name, table, state, why },
      next: state === 'there' ? null : next,
    }))
  })
  const carried = await notComplete(context, entities)
  for (const { entity, why, next: cure } of (await restoredStores(target, carried)).values())
    rows.push({ entity, trigger: null, table: tableOf(entity, entities), state: 'restored', why, next: cure })
  const open = rows.filter(({ state }) => state !== 'there')
  if (json) printJsonLines(io, rows)
  else if (rows.length === 0) printLine(io, 'no entity is mirrored: its definition says mirror: {}')
  else
    printTable(
      io,
      ['entity', 'table', 'trigger', 'state', 'next'],
      rows.map(({ entity, table, trigger, state, why, next }) => [
        entity,
        table,
        trigger ?? '-',
        why === null ? state : `${state}: ${why}`,
        next ?? '-',
      ]),
    )
  return open.length === 0 ? EXIT.done : EXIT.differences
}
