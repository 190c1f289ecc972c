import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { readTableState, type TableState } from '../../../../functions/bridge/tables/table-state.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openJobs } from '../../target/open-jobs.ts'
import { openTableSync } from '../../target/open-table-sync.ts'
import { printVerification, verificationOf, verify } from './verify.ts'

export type StatusOptions = { readonly verify?: boolean | undefined; readonly maxRate?: number | undefined }

/** Shows where kept tables stand, and compares them when asked to. */
export const runStatus = async (
  context: Context,
  projections: readonly Projection[],
  options: StatusOptions,
): Promise<ExitCode> => {
  const { io, json } = context
  const sync = openTableSync(context)
  const jobs = openJobs(context.target, sync.client)
  const states = await Promise.all(
    projections.map((projection) => readTableState(projection, { sync, jobs })),
  )
  if (!json) {
    printTable(io, HEAD, states.map(rowOf))
    for (const { name, message } of states)
      if (message !== undefined) printLine(io, `${name} failed: ${message}`)
  }
  let equal = true
  for (const [at, projection] of projections.entries()) {
    const verified =
      options.verify === true
        ? await verify(context, projection, { sync, jobs }, { maxRate: options.maxRate })
        : undefined
    if (json)
      printJsonLines(io, [
        { ...states[at], ...(verified !== undefined && { verification: verificationOf(verified) }) },
      ])
    else if (verified !== undefined) printVerification(io, projection, verified)
    equal &&= verified?.equal !== false
  }
  return equal ? EXIT.done : EXIT.differences
}

const HEAD = [
  'table',
  'from',
  'state',
  'segments',
  'items',
  'applied',
  'skipped',
  'parked',
  'last applied',
  'next',
]

const rowOf = (state: TableState): string[] => [
  state.name,
  state.from,
  stateText(state),
  state.segments === 0 ? '-' : `${state.segmentsDone}/${state.segments}`,
  grouped(state.items),
  grouped(state.applied),
  grouped(state.skipped),
  grouped(state.parked),
  state.lastAppliedAt ?? '-',
  state.nextSteps.join('; '),
]

/** `filling, 40 %` */
const stateText = ({ state, percent }: TableState): string =>
  percent === undefined || state === 'filled' || state === 'finished' || state === 'following'
    ? state
    : `${state}, ${percent} %`
