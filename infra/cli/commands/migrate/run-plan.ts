import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { requireNumber } from './require-number.ts'
import { showSteps } from './show-steps.ts'

export type UpTo = {
  readonly to?: number | undefined
  readonly online?: boolean | undefined
  readonly folder?: string | undefined
}

export const runPlan = async (context: Context, { to, folder, online }: UpTo): Promise<ExitCode> => {
  requireNumber(folder, to)
  const { migrator, close } = openMigrator(context, { folder, online })
  try {
    const steps = await migrator.steps(to)
    if (context.json) printJsonLines(context.io, steps)
    else if (steps.length === 0) printLine(context.io, 'nothing is pending')
    else showSteps(context, steps)
    return steps.length === 0 ? EXIT.done : EXIT.differences
  } finally {
    await close()
  }
}
