import { type ISecurityGroup, type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  ApplicationLogLevel,
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { type Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { LogLevel, Settings } from '../settings.ts'

const lambdaLogLevels: Record<LogLevel, ApplicationLogLevel> = {
  debug: ApplicationLogLevel.DEBUG,
  info: ApplicationLogLevel.INFO,
  warn: ApplicationLogLevel.WARN,
  error: ApplicationLogLevel.ERROR,
}

export interface BridgeFunctionProps {
  readonly settings: Settings
  readonly description: string
  /** A package whose `index.mjs` exports `handler`. */
  readonly code: Code
  /** Up to 15 minutes; behind the HTTP API, no more than its 30 seconds are of use. */
  readonly timeout: Duration
  /** In MiB; a function's share of a CPU grows with it. @default 512 */
  readonly memorySize?: number
  /** Added to STAGE and LOG_LEVEL. @default none */
  readonly environment?: Readonly<Record<string, string>>
  /** The network that it is in, and what it may reach there. @default none: it reaches what AWS has, by its public addresses */
  readonly network?: { readonly vpc: IVpc; readonly securityGroup: ISecurityGroup }
}

/**
 * What Lambda does in the name of a function in a VPC.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]

/**
 * A function of the bridge: Node 24 on arm64, JSON logs in a group of its own with a retention, and a role that can
 * write to that group and do nothing else until something is granted.
 */
export class BridgeFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: BridgeFunctionProps) {
    const { policy, stage, logLevel } = props.settings
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: policy.logRetention,
      removalPolicy: policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    // The role that Function makes by itself may create and write every log group of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    const { network } = props
    if (network !== undefined)
      role.addToPolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }))

    super(scope, id, {
      description: props.description,
      code: props.code,
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memorySize ?? 512,
      environment: { STAGE: stage, LOG_LEVEL: logLevel, ...props.environment },
      role,
      logGroup,
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
        securityGroups: [network.securityGroup],
      }),
      loggingFormat: LoggingFormat.JSON,
      // Lambda drops lines below its own level, so the two must agree.
      applicationLogLevelV2: lambdaLogLevels[logLevel],
    })
  }
}
