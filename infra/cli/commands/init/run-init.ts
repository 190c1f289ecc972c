import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { carryOut } from '../../init/carry-out.ts'
import { type InitPlan, planInit, type Step } from '../../init/plan.ts'
import { CHECKOUT } from '../../target/checkout.ts'

/**
 * Removes the sample, once it is confirmed.
 *
 * @param repository the checkout to remove it from
 * @throws CliError with exit code 4 when it isn't confirmed, has to be mended first, or would take uncommitted work away
 */
export const runInit = async (
  { io, json, yes, dryRun, interrupt }: Pick<Context, 'io' | 'json' | 'yes' | 'dryRun' | 'interrupt'>,
  repository = CHECKOUT,
): Promise<ExitCode> => {
  const plan = await planInit(repository)
  const { steps, problems, uncommitted } = plan
  if (json) printJson(io, { ...reportOf(plan), dryRun })
  else if (steps.length === 0 && problems.length === 0) printLine(io, 'the sample is gone: nothing to do')
  else for (const step of steps) printLine(io, lineOf(step))
  if (problems.length > 0)
    throw refusal('init.in-use', `the sample is in use: ${problems.join('; ')}`, 'mend that, then try again')
  if (dryRun || steps.length === 0) return EXIT.done
  if (!yes && uncommitted !== undefined && uncommitted.length > 0)
    throw refusal(
      'init.uncommitted',
      `not committed, and would be lost: ${uncommitted.join(', ')}`,
      'commit or stash it, or type: npx backsync init --yes',
    )
  const lost = uncommitted === undefined ? '; no git is here to bring it back' : ''
  const what = `Removing the sample from ${repository}, as above${lost}`
  await confirm(io, { what, expected: 'sample', yes, signal: interrupt })
  if (interrupt.aborted) throw interrupted('interrupted', 'nothing was changed')
  await carryOut(repository, plan)
  if (!json) printLine(io, 'the sample is gone; README.md says what to do next')
  return EXIT.done
}

const lineOf = (step: Step): string => {
  if (step.kind === 'rewrite') return `rewrite  ${step.path}  (${step.what})`
  return `delete   ${step.path}${step.files > 1 ? `  (${step.files} files)` : ''}`
}

const reportOf = ({ steps, problems, uncommitted = [] }: InitPlan) => ({
  steps: steps.map((step) => ({ kind: step.kind, path: step.path })),
  problems,
  uncommitted,
})

const refusal = (code: string, message: string, hint: string): CliError =>
  new CliError({ code, message, hint, exit: EXIT.refused })
