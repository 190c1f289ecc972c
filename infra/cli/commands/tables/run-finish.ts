import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { openJobs } from '../../target/open-jobs.ts'
import { whoami } from '../../target/whoami.ts'
import { openFollowing } from './following.ts'
import { readState, type TableState } from './state.ts'
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
  const { sync } = await openFollowing(context, projection, false)
  const jobs = openJobs(target, sync.client)
  const gate = async (): Promise<TableState> => {
    const state = await readState(projection, { sync, jobs, now: Date.now() })
    refuseUnlessReady(state)
    return state
  }
  await gate()
  const comparison = await verify(context, projection, sync, maxRate)
  const verification = verificationOf(comparison)
  if (!json) printVerification(io, projection, comparison)
  if (!comparison.equal || context.dryRun) {
    if (json) printJson(io, { name, finished: false, dryRun: context.dryRun, verification })
    else printLine(io, comparison.equal ? `${name} would be finished` : `${name} is not finished`)
    return comparison.equal ? EXIT.done : EXIT.differences
  }
  await confirm(io, {
    what: `Finishing ${name} on ${target.description}: writes to ${from.name} are no longer carried over after this`,
    expected: name,
    yes: context.yes,
    signal: interrupt,
  })
  // The comparison and the question may have taken their time.
  await gate()
  await sync.states.finish(name, whoami(), new Date())
  if (json) printJson(io, { name, finished: true, dryRun: false, verification })
  else printLine(io, `${name} is finished: writes to ${from.name} are no longer carried over`)
  return EXIT.done
}

const refuseUnlessReady = ({ name, state, parked }: TableState): void => {
  const refuse = (why: string, hint: string): never => {
    throw new CliError({
      code: 'reshape.not-ready',
      message: `${name} can't be finished: ${why}`,
      hint,
      exit: EXIT.refused,
    })
  }
  if (state === 'filling') refuse('it is being filled', `wait for it: npx backsync reshape status ${name}`)
  if (state !== 'filled') refuse('it is not filled yet', `fill it: npx backsync reshape start ${name}`)
  if (parked > 0)
    refuse(`${parked} of its changes are parked`, `see npx backsync parked list --entity ${name}`)
}
