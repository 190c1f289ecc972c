import { triggerStates } from '../../../../functions/bridge/aurora/triggers/trigger-state.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openTriggers } from '../../target/open-triggers.ts'

/** A trigger, or why it can't be told which there ought to be. */
type Row = {
  readonly entity: string
  readonly trigger: string | null
  readonly table: string
  readonly state: string
  readonly why: string | null
  readonly next: string | null
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
