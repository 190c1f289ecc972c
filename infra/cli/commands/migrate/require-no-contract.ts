import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lintMigration } from '../../../../functions/bridge/migrations/lint.ts'
import { CONTRACT, contractAgainst } from '../../../../functions/bridge/migrations/lint-schema.ts'
import { splitStatements } from '../../../../functions/bridge/migrations/split.ts'
import type { MigrationStep } from '../../../../functions/bridge/migrations/steps.ts'
import { entities } from '../../../../functions/entities/index.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { MIGRATIONS } from '../../target/checkout.ts'
import { stagesOf } from '../../target/open-lint-look.ts'

/** @throws CliError where a step takes away what an entity or its route's stage needs, and the file has no answer to that */
export const requireNoContract = async (
  context: Context,
  steps: readonly MigrationStep[],
  folder: string = MIGRATIONS,
): Promise<void> => {
  const stages = stagesOf(context)
  const names = new Set(steps.filter(({ line }) => line === 'team').map(({ migration }) => migration))
  for (const name of names) {
    const file = `${name}.up.sql`
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n')
    const statements = splitStatements(text)
    const pending = steps.filter(({ migration }) => migration === name).map(({ statement }) => statement - 1)
    const against = await Promise.all(
      statements.map(async (one, at) =>
        pending.includes(at) ? contractAgainst(one.text, entities, stages) : [],
      ),
    )
    const [found] = lintMigration(file, text, statements, { rules: [CONTRACT], against }).filter(
      ({ rule }) => rule === CONTRACT,
    )
    if (found === undefined) continue
    throw new CliError({
      code: 'migrate.contract',
      message: `${file}, line ${found.line}: ${found.message}. Nothing was applied`,
      hint: `if it may go all the same, say why before the statement: -- backsync:allow ${CONTRACT} because ...`,
      exit: EXIT.refused,
    })
  }
}
