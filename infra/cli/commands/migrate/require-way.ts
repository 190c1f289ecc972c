import type { MigrationStep } from '../../../../functions/bridge/migrations/steps.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'

/** @throws CliError where a statement needs the direct connection and there is none */
export const requireWay = (steps: readonly MigrationStep[], hasDirect: boolean): void => {
  const needs = steps.find(({ needsDirect }) => needsDirect)
  if (needs !== undefined && !hasDirect) throw refusalOf(needs)
}

const refusalOf = ({ migration, statement }: MigrationStep): CliError =>
  new CliError({
    code: 'migrate.needs-direct',
    message: `${migration}, statement ${statement}: the Data API can't run it, and it is not known where the database itself can be reached`,
    hint:
      'name it with --direct mysql://HOST:3306, or deploy with -c statementRunner=on, whose function runs it; or run what npx backsync migrate plan shows of it in a client of your own, once what is ' +
      `before it is done, and record that with npx backsync migrate repair ${migration} ${statement} --done`,
    exit: EXIT.refused,
  })
