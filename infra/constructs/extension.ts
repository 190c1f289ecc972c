import type { Code } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import type { DeclaredTables } from './declared-tables.ts'
import type { HttpApi } from './http-api.ts'

/** What an extension gets of the stack that it extends. */
export interface ExtensionParts {
  readonly settings: Settings
  /** Those of functions/tables. */
  readonly tables: DeclaredTables
  readonly api: HttpApi
  /** Bundles a module, by its path below the repository, that exports `handler`. */
  code(entry: string): Code
  /** Adds an output to the stack. */
  output(id: string, value: string, description: string): void
}

/**
 * Adds to the stack what a team has beside its entities and tables, such as a function and routes to it.
 *
 * @param scope the stack
 */
export type Extension = (scope: Construct, parts: ExtensionParts) => void
