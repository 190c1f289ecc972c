import { type Redriven, redrive } from '../../../../functions/bridge/undelivered/redrive.ts'
import type { UndeliveredHead } from '../../../../functions/bridge/undelivered/undelivered.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { Progress } from '../../conventions/progress.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { followersOf } from '../../target/open-followers.ts'
import { openUndelivered } from '../../target/open-undelivered.ts'
import { choose, type FilterOptions, isNarrowed } from './input.ts'

const HEAD = ['id', 'given up at', 'outcome', 'records', 'settled', 'parked', 'reason']

/**
 * Delivers batches again.
 *
 * @param ids none: all that the filter means
 * @throws CliError with exit code 4 when it isn't confirmed, 130 when interrupted
 */
export const runRedrive = async (
  context: Context,
  ids: readonly string[],
  filter: FilterOptions,
): Promise<ExitCode> => {
  const { io, json, target } = context
  const undelivered = openUndelivered(target)
  const heads = await choose(context, undelivered, ids, filter)
  if (context.dryRun || heads.length === 0) {
    const plan = heads.map(({ id, key, at }) => ({ id, key, at, outcome: 'would be redriven' }))
    if (json) printJsonLines(io, plan)
    else if (heads.length === 0)
      printLine(
        io,
        `nothing to redrive: ${isNarrowed(filter) ? 'none is like that' : 'nothing is undelivered'}`,
      )
    else
      printTable(
        io,
        HEAD.slice(0, 3),
        plan.map(({ id, at, outcome }) => [id, at, outcome]),
      )
    return EXIT.done
  }
  await confirm(io, {
    what: `Delivering ${heads.length} batches again on ${target.description}`,
    expected: target.name,
    yes: context.yes,
    signal: context.interrupt,
  })
  const done = await redriveAll(context, heads)
  const left = done.some(({ outcome, parked }) => outcome === 'kept' || parked > 0)
  return left ? EXIT.differences : EXIT.done
}

const redriveAll = async (
  context: Context,
  heads: readonly UndeliveredHead[],
): Promise<readonly Redriven[]> => {
  const { io, json, target, interrupt } = context
  const parts = {
    undelivered: openUndelivered(target),
    followers: followersOf(context),
    now: () => new Date(),
  }
  const progress = new Progress(io, 'batches redriven', { total: heads.length })
  const done: Redriven[] = []
  try {
    await redrive(heads, parts, {
      mayBegin: () => {
        if (interrupt.aborted)
          throw interrupted(
            `interrupted: ${done.length} of ${heads.length} were redriven, the others are undelivered as they were`,
            `go on with: ${context.goOn}`,
          )
        return true
      },
      onBatch: (one) => {
        done.push(one)
        if (json) printJsonLines(io, [jsonOf(one)])
        progress.advance(1)
      },
    })
  } finally {
    progress.end()
    // Whatever ends it early, what was done until then is told.
    if (!json && done.length > 0) printTable(io, HEAD, done.map(rowOf))
  }
  return done
}

const rowOf = ({ head, outcome, records, settled, parked, reason }: Redriven): string[] => [
  head.id,
  head.at,
  outcome,
  String(records),
  String(settled),
  String(parked),
  reason === undefined ? '' : `${reason.code}: ${reason.message}`,
]

const jsonOf = ({ head: { id, key, at }, reason, ...facts }: Redriven) => ({
  id,
  key,
  at,
  ...facts,
  ...(reason !== undefined && { code: reason.code, message: reason.message }),
})
