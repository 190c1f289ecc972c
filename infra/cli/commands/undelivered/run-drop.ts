import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printTable } from '../../conventions/results.ts'
import { openUndelivered } from '../../target/open-undelivered.ts'
import { choose } from './input.ts'

export const runDrop = async (context: Context, ids: readonly string[]): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const undelivered = openUndelivered(target)
  const heads = await choose(undelivered, ids)
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
