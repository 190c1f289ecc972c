import type { Parkable } from '../../../../functions/bridge/parking/parkables.ts'
import { type ParkedFilter, selectParked } from '../../../../functions/bridge/parking/select-parked.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import { arrivalOf } from '../../../../functions/bridge/ports/place.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted, usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openParking } from '../../target/open-parking.ts'
import { describeVersion } from './describe.ts'

/**
 * Ends the conflicts that a filter means.
 *
 * @throws CliError with exit code 2 where nothing says which, 4 when it isn't confirmed, 130 when interrupted
 */
export const runDrop = async (
  context: Context,
  of: Parkable,
  filter: ParkedFilter & { readonly keys: readonly string[] },
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name, kind } = of
  if (kind !== 'conflicts')
    throw new CliError({
      code: 'parked.no-conflict',
      message: `only conflicts are dropped: what is parked of ${name} would be lost`,
      hint: `mend the cause, then: backsync parked retry ${name}`,
    })
  const { keys, ...narrowed } = filter
  if (keys.length === 0 && Object.values(narrowed).every((one) => one === undefined))
    throw usageError(
      `nothing says which of ${name} are dropped`,
      'name keys, or narrow them, as by --older-than 7d; --dry-run shows which that are',
    )
  const parking = openParking(target)
  const [{ heads } = { heads: [] }] = await selectParked(parking, [of], filter, new Date())
  const parked = keys.length === 0 ? undefined : await parking.parkedAmong(name, keys)
  const missing = keys.find((key) => parked?.has(key) === false)
  if (missing !== undefined)
    throw new CliError({
      code: 'parked.unknown',
      message: `${name} ${missing} is not parked`,
      hint: `nothing was dropped; see backsync parked list --entity ${name}`,
    })
  if (heads.length === 0) {
    if (!json) printLine(io, 'nothing to drop: none is like that')
    return EXIT.done
  }
  if (context.dryRun) {
    print(context, heads, 'would be dropped')
    return EXIT.done
  }
  await confirm(io, {
    what: `Dropping ${heads.length} of ${name} on ${target.description}`,
    expected: target.name,
    yes: context.yes,
    signal: interrupt,
  })
  const dropped: ParkedHead[] = []
  try {
    for (const head of heads) {
      if (interrupt.aborted)
        throw interrupted(
          `interrupted: ${dropped.length} of ${heads.length} were dropped, the others are listed as they were`,
          `go on with: ${context.goOn}`,
        )
      // What has been set aside since it was looked at stays.
      await parking.resolve(
        { entity: name, key: head.key },
        { upTo: arrivalOf(head), how: 'superseded', at: new Date() },
      )
      dropped.push(head)
    }
  } finally {
    // Whatever ends it early, what was dropped until then is told.
    if (dropped.length > 0) print(context, dropped, 'dropped')
  }
  return EXIT.done
}

const print = ({ io, json }: Context, heads: readonly ParkedHead[], outcome: string): void => {
  if (json)
    printJsonLines(
      io,
      heads.map(({ entity, key, version }) => ({ entity, key, version, outcome })),
    )
  else
    printTable(
      io,
      ['entity', 'key', 'version', 'outcome'],
      heads.map((head) => [head.entity, head.key, describeVersion(head), outcome]),
    )
}
