import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted, usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openUndelivered } from '../../target/open-undelivered.ts'
import { choose, type FilterOptions, isNarrowed } from './input.ts'

/**
 * Ends batches without applying them.
 *
 * @throws CliError with exit code 2 where nothing says which, 4 when it isn't confirmed, 130 when interrupted
 */
export const runDrop = async (
  context: Context,
  ids: readonly string[],
  filter: FilterOptions,
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  if (ids.length === 0 && !isNarrowed(filter))
    throw usageError(
      'nothing says which batches are dropped',
      'name ids, or narrow them, as by --older-than 30d; --dry-run shows which that are',
    )
  const undelivered = openUndelivered(target)
  const heads = await choose(context, undelivered, ids, filter)
  if (heads.length === 0) {
    if (!json) printLine(io, 'nothing to drop: none is like that')
    return EXIT.done
  }
  const outcome = context.dryRun ? 'would be dropped' : 'dropped'
  if (!context.dryRun)
    await confirm(io, {
      what: `Dropping ${heads.length} batches, which are never applied then, on ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: interrupt,
    })
  const done: { id: string; key: string; at: string; outcome: string }[] = []
  try {
    for (const { id, key, at } of heads) {
      if (interrupt.aborted)
        throw interrupted(
          `interrupted: ${done.length} of ${heads.length} were dropped`,
          'see backsync undelivered list',
        )
      if (!context.dryRun) await undelivered.end({ key }, 'dropped')
      done.push({ id, key, at, outcome })
    }
  } finally {
    if (json) printJsonLines(io, done)
    else if (done.length > 0)
      printTable(
        io,
        ['id', 'given up at', 'outcome'],
        done.map((one) => [one.id, one.at, one.outcome]),
      )
  }
  return EXIT.done
}
