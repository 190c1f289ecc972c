import { arrivalOf } from '../../../../functions/bridge/ports/place.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printTable } from '../../conventions/results.ts'
import { openParking } from '../../target/open-parking.ts'
import { describeVersion } from './describe.ts'
import type { Parkable } from './input.ts'

export const runDrop = async (
  context: Context,
  { name, kind }: Parkable,
  keys: readonly string[],
): Promise<ExitCode> => {
  const { io, json, target } = context
  if (kind !== 'conflicts')
    throw new CliError({
      code: 'parked.no-conflict',
      message: `only conflicts are dropped: what is parked of ${name} would be lost`,
      hint: `mend the cause, then: backsync parked retry ${name}`,
    })
  const parking = openParking(target)
  const parked = await parking.parkedAmong(name, keys)
  const missing = keys.find((key) => !parked.has(key))
  if (missing !== undefined)
    throw new CliError({
      code: 'parked.unknown',
      message: `${name} ${missing} is not parked`,
      hint: `nothing was dropped; see backsync parked list --entity ${name}`,
    })
  const heads = [...parked.values()]
  if (!context.dryRun)
    await confirm(io, {
      what: `Dropping ${heads.length} of ${name} on ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
  const outcome = context.dryRun ? 'would be dropped' : 'dropped'
  if (!context.dryRun)
    // What has been set aside since it was looked at stays.
    for (const head of heads)
      await parking.resolve(
        { entity: name, key: head.key },
        { upTo: arrivalOf(head), how: 'superseded', at: new Date() },
      )
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
  return EXIT.done
}
