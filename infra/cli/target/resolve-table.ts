import { TABLE_NAME } from '../../../functions/bridge/drivers/dynamo/table-name.ts'
import { usageError } from '../conventions/errors.ts'
import { tableOutput } from './settings.ts'
import type { Target } from './target.ts'

/**
 * The table in DynamoDB that a name stands for: `users` is the stack's own table of that name, where it has one; any
 * other text is taken for a name in DynamoDB.
 *
 * @throws CliError with exit code 2 for a text that can't be a table's name
 */
export const resolveTable = ({ outputs }: Pick<Target, 'outputs'>, name: string): string => {
  const own = /^[a-z][A-Za-z0-9-]*$/.test(name) ? outputs[tableOutput(name)] : undefined
  if (own !== undefined) return own
  if (TABLE_NAME.test(name)) return name
  throw usageError(
    `${JSON.stringify(name)} can't be a table's name`,
    'expected one of the stack, such as users, or one in DynamoDB',
  )
}

/** Whether a table, by its name in DynamoDB, is one of the stack's: somebody is using it. */
export const isOfStack = ({ outputs }: Pick<Target, 'outputs'>, table: string): boolean =>
  Object.entries(outputs).some(([name, value]) => name.endsWith('TableName') && value === table)
