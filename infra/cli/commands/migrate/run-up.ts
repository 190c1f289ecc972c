import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { requireNoContract } from './require-no-contract.ts'
import { requireNumber } from './require-number.ts'
import { requireWay } from './require-way.ts'
import type { UpTo } from './run-plan.ts'
import { countOf, showSteps } from './show-steps.ts'
import { told } from './told.ts'
import { nameOfLine } from './words.ts'

export type UpOptions = UpTo & { readonly direct?: URL | undefined }

/** @throws CliError with exit code 4 when it isn't confirmed, or a statement needs the direct connection and there is none */
export const runUp = async (
  context: Context,
  { to, folder, direct, online }: UpOptions,
): Promise<ExitCode> => {
  const { io, json, dryRun, target } = context
  requireNumber(folder, to)
  const opened = openMigrator(context, {
    ...{ folder, direct, online },
    ...told(io),
  })
  const { migrator, hasDirect, close } = opened
  try {
    const steps = await migrator.steps(to)
    if (dryRun || steps.length === 0) {
      if (json) printJson(io, { steps, dryRun })
      else if (steps.length === 0) printLine(io, 'nothing is pending')
      else showSteps(context, steps)
      return EXIT.done
    }
    requireWay(steps, hasDirect)
    await requireNoContract(context, steps, folder)
    // Where it is asked for, whoever answers has seen it; a script's results stay results.
    if (!context.yes) showSteps({ io: { ...io, stdout: io.stderr } }, steps)
    await confirm(io, {
      what: `Applying ${countOf(steps)} to ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
    const applied = await migrator.apply(to)
    if (json) printJson(io, { applied, dryRun })
    else
      for (const line of ['bridge', 'team'] as const)
        for (const name of applied[line]) printLine(io, `${nameOfLine(line, name)}: applied`)
    return EXIT.done
  } finally {
    await close()
  }
}
