import { listTakeovers } from '../../../../functions/bridge/cutover/takeover.ts'
import { keptIn } from '../../../../functions/bridge/model/retired.ts'
import { entities } from '../../../../functions/entities/index.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openTakeover } from '../../target/open-takeover.ts'

export const runList = async (context: Context): Promise<ExitCode> => {
  const { io, json } = context
  const states = await listTakeovers(keptIn(entities), openTakeover(context))
  const rows = states.map((state) => ({ ...state, next: nextOf(state) }))
  if (json) printJsonLines(io, rows)
  else if (rows.length === 0) printLine(io, 'no entity is defined')
  else {
    // Of nearly all entities there is nothing to say of that.
    const isCareless = states.some(({ writers }) => writers === 'careless')
    printTable(
      io,
      ['entity', 'owners', 'takeover', ...(isCareless ? ['writers'] : []), 'next'],
      rows.map(({ entity, since, state, segments, segmentsDone, writers, lifted, next }) => [
        entity,
        since === null ? 'not known' : `known since ${since}`,
        state === 'never' || state === 'done' ? '-' : `${state}, ${segmentsDone} of ${segments} segments`,
        ...(isCareless ? [writers === 'careless' ? `careless: lifted at ${lifted}` : '-'] : []),
        next ?? '-',
      ]),
    )
  }
  return states.every(({ since }) => since !== null) ? EXIT.done : EXIT.differences
}

const nextOf = ({
  entity,
  since,
  state,
}: Awaited<ReturnType<typeof listTakeovers>>[number]): string | null => {
  if (state === 'running') return null
  return since === null ? `npx backsync owners take ${entity}` : null
}
