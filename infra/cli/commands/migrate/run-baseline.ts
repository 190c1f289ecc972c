import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { requireNumber } from './require-number.ts'

export const runBaseline = async (
  context: Context,
  { to, why, folder }: { readonly to: number; readonly why: string; readonly folder?: string | undefined },
): Promise<ExitCode> => {
  const { io, json, dryRun, target } = context
  requireNumber(folder, to)
  const { migrator, close } = openMigrator(context, { folder })
  try {
    const names = await migrator.baselinePlan(to)
    if (names.length > 0 && !dryRun) {
      await confirm(io, {
        what: `Recording as applied on ${target.description}, without a statement sent: ${names.join(', ')}`,
        expected: target.name,
        yes: context.yes,
        signal: context.interrupt,
      })
      await migrator.baseline({ to, why })
    }
    const what = dryRun ? 'would be recorded as applied' : 'recorded as applied'
    if (json) printJson(io, { recorded: names, dryRun })
    else if (names.length === 0) printLine(io, 'nothing is pending up to there')
    else for (const name of names) printLine(io, `${name}: ${what}`)
    return EXIT.done
  } finally {
    await close()
  }
}
