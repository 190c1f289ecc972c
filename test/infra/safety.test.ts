import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { deployments, templateOf } from './fixtures/synthesise.ts'

const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())])
const statement = z.strictObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: texts,
  Resource: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]).optional(),
  Principal: z.unknown().optional(),
  Condition: z.unknown().optional(),
})
const document = z.object({ Statement: z.array(statement) })

const resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
})
type Resource = z.infer<typeof resource> & { id: string }

/** Every policy document, wherever in a resource it stands. */
function* documentsIn(value: unknown): Generator<z.infer<typeof document>> {
  if (Array.isArray(value)) {
    for (const one of value) yield* documentsIn(one)
  } else if (typeof value === 'object' && value !== null) {
    if ('Statement' in value) yield document.parse(value)
    else for (const one of Object.values(value)) yield* documentsIn(one)
  }
}

/** The text of a resource in a policy, with references as `<logicalId.attribute>`. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const intrinsic = z
    .union([
      z.object({ Ref: z.string() }).transform(({ Ref }) => `<${Ref}>`),
      z.object({ 'Fn::GetAtt': z.array(z.string()) }).transform((one) => `<${one['Fn::GetAtt'].join('.')}>`),
      z
        .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
        .transform(({ 'Fn::Join': [separator, parts] }) => parts.map(textOf).join(separator)),
      // The name in an ARN, the only thing that is taken from one.
      z
        .object({
          'Fn::Select': z.tuple([
            z.literal(6),
            z.object({ 'Fn::Split': z.tuple([z.literal(':'), z.unknown()]) }),
          ]),
        })
        .transform((one) => textOf(one['Fn::Select'][1]['Fn::Split'][1])),
    ])
    .parse(value)
  return intrinsic
}

/** The only resources with a wildcard, and why AWS has no narrower one. */
const wildcards: readonly { actions: readonly string[]; resource: RegExp; why: string }[] = [
  {
    actions: ['dynamodb:ListStreams'],
    resource: /^\*$/,
    why: 'Lambda asks for it; the action has no resource',
  },
  {
    actions: ['cloudwatch:GetMetricData'],
    resource: /^\*$/,
    why: 'the action has no resource',
  },
  {
    actions: ['s3:PutObject'],
    resource: /^<BackSyncFailuresBucket\w+\.Arn>\/aws\/lambda\/\*$/,
    why: 'Lambda names each object after shard and time',
  },
  {
    actions: ['lambda:InvokeFunction'],
    resource: /^<MigrationsMigrate\w+\.Arn>:\*$/,
    why: 'every deployment makes a new version of the function, and the trigger invokes that',
  },
  {
    actions: ['lambda:InvokeFunction'],
    resource: /^<(?:CopyTable|Backfill|FillTables|Sweep)Function\w+\.Arn>:\*$/,
    why: 'aws-cdk-lib grants the versions of a function with it',
  },
  {
    actions: ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
    resource:
      /^arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<(?:CopyTable|Backfill|FillTables|Sweep)StateMachine\w+>(\/\*)?:\*$/,
    why: 'Step Functions names the executions of a map run',
  },
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
    ],
    resource: /^\*$/,
    why: "the delivery of vended logs has no resource, and X-Ray's segments have none",
  },
]

describe.each(deployments)('rules of safety over %s', (_, context) => {
  const template: { Resources: Record<string, unknown> } = Object(templateOf(context).toJSON())
  const resources: Resource[] = Object.entries(template.Resources).map(([id, one]) => ({
    id,
    ...resource.parse(one),
  }))
  const ofType = (type: string): Resource[] => {
    const found = resources.filter(({ Type }) => Type === type)
    expect(found).not.toHaveLength(0)
    return found
  }
  const statements = resources.flatMap(({ id, Properties }) =>
    [...documentsIn(Properties)].flatMap(({ Statement }) => Statement.map((one) => ({ id, ...one }))),
  )
  const allowed = statements.filter(({ Effect }) => Effect === 'Allow')

  it('finds the policies', () => {
    expect(allowed.length).toBeGreaterThan(15)
  })

  it('allows no action by wildcard', () => {
    expect(allowed.filter(({ Action }) => Action.some((action) => action.includes('*')))).toEqual([])
  })

  it('allows no resource by wildcard where AWS has a narrower one', () => {
    const wide = allowed.flatMap(({ id, Action, Resource: targets = [] }) =>
      targets
        .map(textOf)
        .filter((target) => target.includes('*'))
        .filter(
          (target) =>
            !wildcards.some(
              (known) =>
                known.resource.test(target) && Action.every((action) => known.actions.includes(action)),
            ),
        )
        .map((target) => `${id}: ${Action.join()} on ${target}`),
    )
    expect(wide).toEqual([])
  })

  it('attaches no managed policy', () => {
    expect(ofType('AWS::IAM::Role').filter(({ Properties }) => Properties.ManagedPolicyArns)).toEqual([])
  })

  it('lets only AWS services and the roles themselves act', () => {
    for (const { id, Properties } of ofType('AWS::IAM::Role')) {
      for (const { Statement } of documentsIn(Properties.AssumeRolePolicyDocument)) {
        const service = /^(CopyTable|Backfill|FillTables|Sweep)StateMachine/.test(id) ? 'states' : 'lambda'
        expect(Statement.map(({ Principal }) => Principal)).toEqual([{ Service: `${service}.amazonaws.com` }])
      }
    }
  })

  it('lets nobody into a bucket but over TLS and by a role', () => {
    for (const { Properties } of ofType('AWS::S3::Bucket')) {
      expect(Properties).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        // What is undelivered is kept until somebody ends it: only what has been ended is forgotten.
        LifecycleConfiguration: {
          Rules: [
            { ExpirationInDays: 90, Prefix: 'ended/', Status: 'Enabled' },
            { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
          ],
        },
      })
    }
    expect(ofType('AWS::S3::BucketPolicy')).toHaveLength(ofType('AWS::S3::Bucket').length)
    expect(statements.filter(({ Effect }) => Effect === 'Deny')).toMatchObject([
      { Action: ['s3:*'], Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ])
  })

  it('keeps every log for a stated time, in a group of its own', () => {
    const groups = ofType('AWS::Logs::LogGroup')
    for (const { Properties } of groups) expect(Properties.RetentionInDays).toEqual(expect.any(Number))
    const used = [
      ...ofType('AWS::Lambda::Function').map(
        ({ Properties }) => Object(Properties.LoggingConfig).LogGroup?.Ref,
      ),
      ...ofType('AWS::ApiGatewayV2::Stage').map(
        ({ Properties }) => Object(Properties.AccessLogSettings).DestinationArn?.['Fn::GetAtt']?.[0],
      ),
      ...ofType('AWS::StepFunctions::StateMachine').map(
        ({ Properties }) =>
          Object(Properties.LoggingConfiguration).Destinations?.[0]?.CloudWatchLogsLogGroup?.LogGroupArn?.[
            'Fn::GetAtt'
          ]?.[0],
      ),
    ]
    expect(used.sort()).toEqual(groups.map(({ id }) => id).sort())
  })

  it('never gives up what the stream still has time for, never blocks a shard, and never drops a record without a trace', () => {
    for (const { Properties } of ofType('AWS::Lambda::EventSourceMapping')) {
      expect(Properties).toMatchObject({
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        StartingPosition: 'TRIM_HORIZON',
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [expect.any(String), 'Arn'] } } },
      })
      expect(Properties.MaximumRetryAttempts).toBe(-1)
      expect(Properties.MaximumRecordAgeInSeconds).toBeGreaterThanOrEqual(12 * 3600)
      // The stream keeps a day; the rest of it is for filing what is given up.
      expect(Properties.MaximumRecordAgeInSeconds).toBeLessThanOrEqual(22 * 3600)
    }
  })

  it('gives every table recovery to any second, and a name that CloudFormation chooses', () => {
    for (const { Properties } of ofType('AWS::DynamoDB::Table')) {
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      })
      expect(Properties).not.toHaveProperty('TableName')
    }
  })

  it('gives every table that a function follows a stream of both images, and no other table one', () => {
    const own = /^(Parking|Idempotency|Jobs|FacadeRoutes|TableSyncTombstones|TablesDaily|TablesTowns)Table/
    for (const { id, Properties } of ofType('AWS::DynamoDB::Table')) {
      const stream = own.test(id) ? undefined : { StreamViewType: 'NEW_AND_OLD_IMAGES' }
      expect([id, Properties.StreamSpecification]).toEqual([id, stream])
    }
  })

  it('leaves no way between the database and a network', () => {
    for (const type of [
      'NatGateway',
      'InternetGateway',
      'VPCGatewayAttachment',
      'VPCEndpoint',
      'SecurityGroupIngress',
    ]) {
      expect(resources.filter(({ Type }) => Type === `AWS::EC2::${type}`)).toEqual([])
    }
    for (const { Properties } of ofType('AWS::EC2::SecurityGroup')) {
      expect(Properties).not.toHaveProperty('SecurityGroupIngress')
      // How EC2 is told "none": a rule that matches nothing.
      expect(Properties.SecurityGroupEgress).toMatchObject([{ CidrIp: '255.255.255.255/32' }])
    }
    for (const { Properties } of ofType('AWS::Lambda::Function'))
      expect(Properties).not.toHaveProperty('VpcConfig')
    for (const { Properties } of ofType('AWS::RDS::DBInstance'))
      expect(Properties.PubliclyAccessible).toBe(false)
  })

  it('encrypts the cluster, and no template or environment holds a password', () => {
    expect(ofType('AWS::RDS::DBCluster')[0]?.Properties).toMatchObject({ StorageEncrypted: true })
    expect(JSON.stringify(ofType('AWS::RDS::DBCluster')[0]?.Properties.MasterUserPassword)).toContain(
      '{{resolve:secretsmanager:',
    )
  })

  it('limits the rate of requests and asks for an identity where the stage says so', () => {
    for (const { Properties } of ofType('AWS::ApiGatewayV2::Stage')) {
      expect(Properties.DefaultRouteSettings).toMatchObject({
        ThrottlingRateLimit: expect.any(Number),
        ThrottlingBurstLimit: expect.any(Number),
      })
    }
    const expected = { iam: 'AWS_IAM', jwt: 'JWT', undefined: 'NONE' }[String(context.auth)]
    for (const { Properties } of ofType('AWS::ApiGatewayV2::Route')) {
      expect(Properties.AuthorizationType).toBe(expected)
    }
  })
})
