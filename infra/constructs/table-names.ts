import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Stack } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'

/** What tells a function where tables are, by their names in this project. */
export function tableNames(
  scope: Construct,
  tables: Iterable<{ readonly name: string; readonly table: ITable }>,
): Readonly<Record<'TABLES', string>> {
  const names = Array.from(tables, ({ name, table }) => [name, table.tableName])
  return { TABLES: Stack.of(scope).toJsonString(Object.fromEntries(names)) }
}
