import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { answersWithin, grantFirstAnswers } from './api-tier.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityTable } from './entity-table.ts'
import { FacadeAlarms } from './facade-alarms.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { StateTable } from './state-table.ts'
import { grantParking } from './stream-follower.ts'
import { tableNames } from './table-names.ts'

export interface FacadeProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /** Where first answers of repeatable creates are kept. */
  readonly idempotency: StateTable
  /** Where keys are listed that can't be moved. */
  readonly parking: StateTable
  readonly code: Code
}

/** The facade of both sides: a function that serves each key at its owner, and the table of where routes stand. */
export class Facade extends Construct {
  readonly function: BridgeFunction
  /** Where routes stand. */
  readonly routes: StateTable

  constructor(scope: Construct, id: string, props: FacadeProps) {
    super(scope, id)
    const { settings, database, tables, idempotency, parking } = props
    const routes = new StateTable(this, 'Routes', { settings, setting: 'ROUTES_TABLE' })
    this.routes = routes
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'The facade: serves each key at the store that owns it',
      code: props.code,
      timeout: answersWithin,
      environment: {
        ...database.environment,
        ...tableNames(this, tables),
        ...idempotency.environment,
        ...parking.environment,
        ...routes.environment,
      },
    })
    database.grantSql(this.function)
    for (const table of tables) table.grantItems(this.function)
    grantFirstAnswers(idempotency, this.function)
    grantParking(parking, this.function)
    grantRoutes(routes, this.function)
    new FacadeAlarms(this, 'Alarms', { function: this.function, topicArn: settings.alarmTopicArn })
    this.routes = routes
  }
}

/** Has a function know which routes are complete: nothing is carried for these any more. */
export const knowsRoutes = (routes: StateTable, reader: BridgeFunction): void => {
  for (const [name, value] of Object.entries(routes.environment)) reader.addEnvironment(name, value)
  grantRoutes(routes, reader)
}

/** Lets the grantee know where routes stand. Who moves them is an operator, with rights of his own. */
export const grantRoutes = (routes: StateTable, grantee: IGrantable): Grant =>
  routes.grant(grantee, ['GetItem'])
