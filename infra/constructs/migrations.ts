import type { Code } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import { Trigger } from 'aws-cdk-lib/triggers'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { confineTriggerProvider } from './trigger-provider.ts'

/** How long one run of the migrations may take. */
const limit = Duration.minutes(5)

/** The name of a trigger's metadata: with which event its function tells what it would change, and changes nothing. */
const planKey = 'Backsync::Plan'

export interface MigrationsProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  /** The functions whose code must not be updated before the schema is. */
  readonly before: readonly BridgeFunction[]
  /** A package whose `index.mjs` exports `handler`, with the team's SQL in `sql/` and Backsync's own below. */
  readonly code: Code
}

/**
 * Brings the schema up to date in the middle of a deployment: after the cluster answers, before any function that
 * works on the schema is created or updated. A migration that fails fails the deployment, and CloudFormation goes
 * back to the old functions, which the old schema fits.
 */
export class Migrations extends Construct {
  /** Also answers `GET /aurora`. */
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: MigrationsProps) {
    super(scope, id)
    const { settings, database } = props
    this.function = new BridgeFunction(this, 'Migrate', {
      settings,
      description: 'Reports the state of the legacy schema and applies pending SQL migrations',
      code: props.code,
      timeout: limit,
      environment: {
        ...database.environment,
        MIGRATE_ON_REQUEST: String(settings.policy.migrateOnRequest),
      },
    })
    database.grantSql(this.function)

    // Runs whenever the function's version changes, and that covers its code and the SQL in its package.
    const trigger = new Trigger(this, 'OnDeploy', {
      handler: this.function,
      // The caller waits a little longer than the function may run, so that the function's own error is reported.
      timeout: limit.plus(Duration.seconds(10)),
      executeAfter: [database],
    })
    trigger.executeBefore(...props.before)
    const resource = trigger.node.defaultChild?.node.defaultChild
    if (resource instanceof CfnResource) resource.addMetadata(planKey, { event: { plan: true } })

    const logGroup = new LogGroup(this, 'OnDeployLogs', {
      retention: settings.policy.logRetention,
      removalPolicy: settings.policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    confineTriggerProvider(this, trigger, logGroup)
  }
}
