import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityTable } from './entity-table.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { StateTable } from './state-table.ts'
import { tableNames } from './table-names.ts'

export interface ApiTierProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  readonly legacyCode: Code
  readonly modernCode: Code
}

/** The functions behind the API's two sides. */
export interface ApiTier {
  readonly legacy: BridgeFunction
  readonly modern: BridgeFunction
  /** Where first answers of repeatable creates are kept. */
  readonly idempotency: StateTable
}

/** The API waits no longer than 30 seconds for an answer. */
export const answersWithin = Duration.seconds(29)

/**
 * Adds the legacy and the modern API. They stand in the scope itself: a construct of their own would give the table of
 * first answers another logical id, and a deployed stack a new, empty one.
 */
export function addApiTier(scope: Construct, props: ApiTierProps): ApiTier {
  const { settings, database, tables } = props
  const idempotency = new StateTable(scope, 'Idempotency', { settings, setting: 'IDEMPOTENCY_TABLE' })

  const legacy = new BridgeFunction(scope, 'LegacyApi', {
    settings,
    description: 'The legacy API: reads and writes Aurora',
    code: props.legacyCode,
    timeout: answersWithin,
    environment: database.environment,
  })
  database.grantSql(legacy)

  const modern = new BridgeFunction(scope, 'ModernApi', {
    settings,
    description: 'The modern API: reads and writes DynamoDB',
    code: props.modernCode,
    timeout: answersWithin,
    environment: { ...tableNames(scope, tables), ...idempotency.environment },
  })
  for (const table of tables) table.grantItems(modern)
  grantFirstAnswers(idempotency, modern)
  return { legacy, modern, idempotency }
}

/**
 * Lets the grantee put records, in a transaction with the item that they are about. The record that stands against one
 * comes with the refusal; one that has expired is read, where something made with the same key is there.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
export const grantFirstAnswers = (idempotency: StateTable, grantee: IGrantable): Grant =>
  idempotency.grant(grantee, ['GetItem', 'PutItem'])
