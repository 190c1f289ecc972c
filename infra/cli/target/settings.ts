import type { Metrics } from '../../../functions/bridge/runtime/metrics.ts'
import { Tables } from '../../../functions/bridge/runtime/tables.ts'
import { pascalCase } from '../../constructs/pascal-case.ts'
import { outputOf, type Target } from './target.ts'

/** The name of the output that has a table's name in DynamoDB. */
export const tableOutput = (name: string): string => `${pascalCase(name)}TableName`

/**
 * Tables' names in DynamoDB by their names in this project, as functions have them in TABLES.
 *
 * @throws CliError when the stack lacks one
 */
export const tablesOf = (target: Target, names: Iterable<string>): Tables =>
  new Tables(
    Object.fromEntries([...new Set(names)].map((name) => [name, outputOf(target, tableOutput(name))])),
  )

/** The metrics are the functions': what an operator does by hand is in the command's own answer. */
export const UNCOUNTED: Metrics = { count: () => {}, milliseconds: () => {}, flush: () => {} }
