import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  Port,
  SecurityGroup,
} from 'aws-cdk-lib/aws-ec2'
import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { output } from './output.ts'

/** The most that an invocation may take; making a trigger waits for whoever has the table. */
const LIMIT = Duration.minutes(15)

export interface StatementRunnerProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  /** A package whose `index.mjs` exports `handler`. */
  readonly code: Code
}

/**
 * Runs what the Data API can't prepare, triggers and routines, on the database itself: a function in its network. Off unless asked for,
 * since it opens a way in, and an endpoint to Secrets Manager that costs by the hour.
 */
export class StatementRunner extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, { settings, database, code }: StatementRunnerProps) {
    super(scope, id)
    const { vpc, securityGroup: ofDatabase, secret } = database
    const own = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'What runs statements: out to the database and to Secrets Manager, and nobody in',
      allowAllOutbound: false,
    })
    const ofEndpoint = new SecurityGroup(this, 'EndpointSecurityGroup', {
      vpc,
      description: 'Secrets Manager, for what runs statements',
      allowAllOutbound: false,
    })
    const [mysql, https] = [Port.tcp(3306), Port.tcp(443)]
    own.addEgressRule(ofDatabase, mysql, 'The database')
    ofDatabase.addIngressRule(own, mysql, 'What runs statements')
    own.addEgressRule(ofEndpoint, https, 'Secrets Manager')
    ofEndpoint.addIngressRule(own, https, 'What runs statements')
    const endpoint = new InterfaceVpcEndpoint(this, 'SecretsManager', {
      vpc,
      service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      securityGroups: [ofEndpoint],
      // Only those rules: CDK would let the whole network in.
      open: false,
    })
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Runs what the Data API can not prepare, on the database itself',
      code,
      timeout: LIMIT,
      environment: database.environment,
      network: { vpc, securityGroup: own },
    })
    Grant.addToPrincipal({
      grantee: this.function,
      actions: ['secretsmanager:GetSecretValue'],
      resourceArns: [secret.secretArn],
    })
    // One that were invoked before could not read its login.
    this.function.node.addDependency(endpoint)
    Validations.of(this.function.role ?? this.function).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'Lambda makes and removes the network interfaces of a function in a VPC, and none of them has a name before.',
    })
    output(this, 'StatementRunnerName', this.function.functionName, 'Runs what the Data API can not prepare')
  }

  /** Lets a function have statements run, and tells it by whom. */
  serve(caller: BridgeFunction): void {
    caller.addEnvironment('RUNNER_FUNCTION', this.function.functionName)
    Grant.addToPrincipal({
      grantee: caller,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [this.function.functionArn],
    })
  }
}
