import { finishTable, requireReady } from '../../../../functions/bridge/tables/finish.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { openJobs } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { openFollowing } from './open-following.ts'
import { refusing } from './refusing.ts'
import { printVerification, verificationOf, verify } from './verify.ts'

/**
 * Ends a reshape: its table is compared once more, then the stream's changes are no longer for it.
 *
 * @throws CliError with exit code 4 while it isn't filled, or something is parked
 */
export const runFinish = async (
  context: Context,
  projection: Projection,
  { maxRate }: { readonly maxRate?: number | undefined },
): Promise<ExitCode> => {
  const { io, json, target, interrupt } = context
  const { name, from } = projection
  const sync = openFollowing(context, projection)
  const parts = { sync, jobs: openJobs(target, sync.client) }
  await refusing(requireReady(projection, parts))
  // What an interrupted one has read before may have been written since.
  const verified = await verify(context, projection, parts, { maxRate, again: true })
  const verification = verificationOf(verified)
  if (!json) printVerification(io, projection, verified)
  if (!verified.equal || context.dryRun) {
    if (json) printJson(io, { name, finished: false, dryRun: context.dryRun, verification })
    else printLine(io, verified.equal ? `${name} would be finished` : `${name} is not finished`)
    return verified.equal ? EXIT.done : EXIT.differences
  }
  await confirm(io, {
    what: `Finishing ${name} on ${target.description}: writes to ${from.name} are no longer carried over after this`,
    expected: name,
    yes: context.yes,
    signal: interrupt,
  })
  await refusing(finishTable(projection, parts, whoami()))
  if (json) printJson(io, { name, finished: true, dryRun: false, verification })
  else printLine(io, `${name} is finished: writes to ${from.name} are no longer carried over`)
  return EXIT.done
}
