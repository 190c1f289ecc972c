import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { DeclaredTables } from './declared-tables.ts'

export interface UsersApiProps {
  readonly settings: Settings
  /** `users` among them. */
  readonly tables: DeclaredTables
  /** The function that serves `/users`. */
  readonly code: Code
}

/** The function behind `/users`: single items of that table, by their key. */
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
      environment: tables.environment(['users']),
    })
    Grant.addToPrincipal({
      grantee: this.function,
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
      resourceArns: [tables.table('users').tableArn],
    })
  }
}
