import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { requireNumber } from './require-number.ts'
import { requireWay } from './require-way.ts'
import type { UpOptions } from './run-up.ts'
import { countOf, showSteps } from './show-steps.ts'
import { told } from './told.ts'

/** @throws CliError with exit code 4 when it isn't confirmed; MigrationError where a migration has no way back */
export const runDown = async (context: Context, { to, folder, direct }: UpOptions): Promise<ExitCode> => {
  const { io, json, dryRun, target } = context
  if (to !== 0) requireNumber(folder, to)
  const { migrator, hasDirect, close } = openMigrator(context, { folder, direct, ...told(io) })
  try {
    const steps = await migrator.stepsDown(to)
    if (dryRun || steps.length === 0) {
      if (json) printJson(io, { steps, dryRun })
      else if (steps.length === 0) printLine(io, 'nothing is applied that could be undone')
      else showSteps(context, steps)
      return EXIT.done
    }
    requireWay(steps, hasDirect)
    if (!context.yes) showSteps({ io: { ...io, stdout: io.stderr } }, steps)
    await confirm(io, {
      what: `Undoing with ${countOf(steps)} on ${target.description}`,
      expected: target.name,
      yes: context.yes,
      signal: context.interrupt,
    })
    const undone = await migrator.down(to)
    if (json) printJson(io, { undone, dryRun })
    else for (const name of undone) printLine(io, `${name}: undone`)
    return EXIT.done
  } finally {
    await close()
  }
}
