import { IpAddresses, type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import {
  AuroraMysqlEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseSecret,
} from 'aws-cdk-lib/aws-rds'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { output } from './output.ts'

/** MySQL 8.0's own default, said aloud: the bridge relies on it. */
const sqlMode = [
  'ONLY_FULL_GROUP_BY',
  'STRICT_TRANS_TABLES',
  'NO_ZERO_IN_DATE',
  'NO_ZERO_DATE',
  'ERROR_FOR_DIVISION_BY_ZERO',
  'NO_ENGINE_SUBSTITUTION',
].join()

export interface LegacyDatabaseProps {
  readonly settings: Settings
}

/**
 * Aurora MySQL Serverless v2, reached through the RDS Data API only: its network has no way in or out, so no
 * function needs a VPC and nothing costs money while the cluster is paused. Only what runs statements, where it is asked for, has a
 * way in of its own.
 */
export class LegacyDatabase extends Construct {
  readonly cluster: DatabaseCluster
  /** `{ username, password, … }` of the master user. */
  readonly secret: ISecret
  readonly databaseName: string
  readonly vpc: IVpc
  readonly securityGroup: SecurityGroup

  constructor(scope: Construct, id: string, props: LegacyDatabaseProps) {
    super(scope, id)
    const { policy, databaseName, maxCapacity, statementRunner } = props.settings
    const removalPolicy = policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY

    // Aurora demands subnets in two zones, even for one instance.
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/24'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      // Emptying the default group takes a custom resource with a function of its own; nothing joins that group.
      restrictDefaultSecurityGroup: false,
    })
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'The legacy database: no rule in either direction, the Data API needs none',
      allowAllOutbound: false,
    })
    this.vpc = vpc
    this.securityGroup = securityGroup
    const isClosed = statementRunner === 'off'

    const secret = new DatabaseSecret(this, 'Secret', { username: 'backsync' })
    secret.applyRemovalPolicy(removalPolicy)

    this.cluster = new DatabaseCluster(this, 'Cluster', {
      // 3.10 is the long-term support line, compatible with MySQL 8.0.42.
      engine: DatabaseClusterEngine.auroraMysql({ version: AuroraMysqlEngineVersion.VER_3_10_4 }),
      credentials: Credentials.fromSecret(secret),
      defaultDatabaseName: databaseName,
      writer: ClusterInstance.serverlessV2('Writer', {
        // An instance's parameter. Strict: a value that doesn't fit is an error, never a shortened row.
        parameters: { sql_mode: sqlMode },
      }),
      serverlessV2MinCapacity: 0,
      serverlessV2MaxCapacity: maxCapacity,
      serverlessV2AutoPauseDuration: Duration.minutes(5),
      enableDataApi: true,
      iamAuthentication: true,
      vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [securityGroup],
      storageEncrypted: true,
      parameters: {
        character_set_server: 'utf8mb4',
        collation_server: 'utf8mb4_0900_ai_ci',
        time_zone: 'UTC',
      },
      backup: { retention: Duration.days(policy.backupDays) },
      copyTagsToSnapshot: true,
      deletionProtection: policy.retain,
      removalPolicy,
    })
    this.secret = this.cluster.secret ?? secret
    this.databaseName = databaseName
    output(this, 'ClusterArn', this.cluster.clusterArn, 'The resourceArn of Data API calls')
    output(this, 'SecretArn', this.secret.secretArn, 'The secretArn of Data API calls')
    output(this, 'DatabaseName', databaseName, 'The database of the legacy tables')

    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason: isClosed
        ? 'Isolated subnets that hold Aurora alone, in a security group without rules: there is no flow to log.'
        : 'Isolated subnets that hold Aurora, one function and an endpoint, whose security groups let in each other alone: nothing else can flow.',
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: isClosed
        ? 'Rotation needs a function inside the VPC and an interface endpoint to Secrets Manager, a way in that this network otherwise lacks. The password is 30 generated characters that no person types, and the server is unreachable but through IAM-authorised Data API calls.'
        : 'The password is 30 generated characters that no person types, and the server is unreachable but through IAM-authorised calls of the Data API and of one function.',
    })
    Validations.of(this.cluster).acknowledge({
      id: 'AwsSolutions-RDS11',
      reason: isClosed
        ? 'No network path leads to the port, so obscuring it adds nothing.'
        : 'One function alone reaches the port, which is told it, so obscuring it adds nothing.',
    })
    Validations.of(this.cluster).acknowledge({
      id: 'AwsSolutions-RDS14',
      reason:
        'Backtracking rewinds Aurora in place, behind changes that DynamoDB streams have already delivered and will not deliver again. Point-in-time restore into a second cluster is the way back.',
    })
    if (!policy.retain) {
      Validations.of(this.cluster).acknowledge({
        id: 'AwsSolutions-RDS10',
        reason: 'A development stage is meant to be destroyed; stage prod has deletion protection.',
      })
    }
  }

  /**
   * Lets the grantee run SQL through the Data API, transactions included, as the master user.
   *
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.access.html
   */
  grantSql(grantee: IGrantable): Grant {
    const statements = Grant.addToPrincipal({
      grantee,
      actions: [
        'rds-data:ExecuteStatement',
        'rds-data:BeginTransaction',
        'rds-data:CommitTransaction',
        'rds-data:RollbackTransaction',
      ],
      resourceArns: [this.cluster.clusterArn],
    })
    const password = Grant.addToPrincipal({
      grantee,
      actions: ['secretsmanager:GetSecretValue'],
      resourceArns: [this.secret.secretArn],
    })
    return statements.combine(password)
  }

  /** The environment that tells a function where the database is. */
  get environment(): Record<'CLUSTER_ARN' | 'SECRET_ARN' | 'DATABASE_NAME', string> {
    return {
      CLUSTER_ARN: this.cluster.clusterArn,
      SECRET_ARN: this.secret.secretArn,
      DATABASE_NAME: this.databaseName,
    }
  }
}
