import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { users, usersByCity } from '../../functions/sample/tables/users.ts'
import { BridgeFunction } from '../constructs/bridge-function.ts'
import type { DeclaredTables } from '../constructs/declared-tables.ts'
import type { Settings } from '../settings.ts'

export interface UsersApiProps {
  readonly settings: Settings
  /** Those of the users among them. */
  readonly tables: DeclaredTables
  /** The function that serves `/users`. */
  readonly code: Code
}

/** The function behind `/users`: single items by their key, and lists from the table that is kept for that. */
export class UsersApi extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: UsersApiProps) {
    super(scope, id)
    const { settings, tables } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'The users: writes to the table that another one is kept by',
      code: props.code,
      timeout: Duration.seconds(29),
      environment: tables.environment([users.name, usersByCity.name]),
    })
    this.#grant(tables.table(users.name), ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'])
    this.#grant(tables.table(usersByCity.name), ['dynamodb:Query'])
  }

  #grant(table: ITable, actions: string[]): void {
    Grant.addToPrincipal({ grantee: this.function, actions, resourceArns: [table.tableArn] })
  }
}
