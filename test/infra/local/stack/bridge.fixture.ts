import { resolve } from 'node:path'
import { api, type Fixture, placeholder, route } from './fixture.ts'

const sdk = (name: string): string =>
  JSON.stringify(resolve(`node_modules/@aws-sdk/${name}/dist-cjs/index.js`))

/** Writes an item to the table for each POST, and lists what the stream has brought into MySQL for each GET. */
const webSource = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { DynamoDBClient, PutItemCommand } = require(${sdk('client-dynamodb')})
const { RDSDataClient, ExecuteStatementCommand } = require(${sdk('client-rds-data')})
const dynamodb = new DynamoDBClient({})
const data = new RDSDataClient({})
export const handler = async (event, context) => {
  if (event.requestContext.http.method === 'POST') {
    const { id } = JSON.parse(event.body)
    await dynamodb.send(new PutItemCommand({ TableName: process.env.TABLE, Item: { id: { S: id } } }))
    return { statusCode: 201, headers: { 'X-Request': context.awsRequestId }, body: id, cookies: ['a=1', 'b=2'] }
  }
  const answer = await data.send(new ExecuteStatementCommand({
    resourceArn: process.env.CLUSTER, secretArn: process.env.SECRET, sql: 'SELECT id FROM seen ORDER BY id' }))
  return answer.records.map(([field]) => field.stringValue)
}
`
/** Copies the keys of stream records into MySQL; a key that starts with "bad" always fails. */
const syncSource = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { RDSDataClient, ExecuteStatementCommand } = require(${sdk('client-rds-data')})
const data = new RDSDataClient({})
export const handler = async (event) => {
  const batchItemFailures = []
  for (const record of event.Records) {
    const id = record.dynamodb.Keys.id.S
    if (id.startsWith('bad')) { batchItemFailures.push({ itemIdentifier: record.dynamodb.SequenceNumber }); continue }
    await data.send(new ExecuteStatementCommand({
      resourceArn: process.env.CLUSTER, secretArn: process.env.SECRET, sql: 'INSERT IGNORE INTO seen VALUES (:id)',
      parameters: [{ name: 'id', value: { stringValue: id } }] }))
  }
  const metrics = [{ Namespace: 'Fixture', Dimensions: [['service', 'entity']], Metrics: [{ Name: 'Seen', Unit: 'Count' }] }]
  process.stdout.write(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: metrics },
    service: 'sync', entity: 'thing', Seen: event.Records.length }) + '\\n')
  return { batchItemFailures }
}
`
const migrateSource = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { RDSDataClient, ExecuteStatementCommand } = require(${sdk('client-rds-data')})
const data = new RDSDataClient({})
export const handler = async () => {
  console.log('migrating')
  await data.send(new ExecuteStatementCommand({ resourceArn: process.env.CLUSTER, secretArn: process.env.SECRET,
    sql: 'CREATE TABLE IF NOT EXISTS seen (id VARCHAR(50) PRIMARY KEY)' }))
}
`
export const environment = {
  Timeout: 20,
  MemorySize: 256,
  Environment: {
    Variables: {
      CLUSTER: {
        'Fn::Sub': `arn:aws:rds:${placeholder('AWS::Region')}:000000000000:cluster:${placeholder('Cluster')}`,
      },
      SECRET: { Ref: 'SecretAttachment' },
      TABLE: { Ref: 'Things' },
    },
  },
}
const reference = (field: string) => ({
  'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'Secret' }, `:SecretString:${field}::}}`]],
})

/** A bridge in small: HTTP to DynamoDB, a stream to MySQL, a migration, a secret, a bucket for failures. */
export const bridge = (database: string, retries = 1): Fixture => ({
  functions: {
    Web: { source: webSource, properties: environment },
    Sync: { source: syncSource, properties: environment },
    Migrate: { source: migrateSource, properties: environment },
  },
  resources: {
    Secret: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: {
        GenerateSecretString: {
          ExcludeCharacters: ' %+~`#$&*()|[]{}:;<>?!\'/@"\\',
          GenerateStringKey: 'password',
          PasswordLength: 30,
          SecretStringTemplate: JSON.stringify({ username: `u_${database}`.slice(0, 32) }),
        },
      },
    },
    SecretAttachment: {
      Type: 'AWS::SecretsManager::SecretTargetAttachment',
      Properties: {
        SecretId: { Ref: 'Secret' },
        TargetId: { Ref: 'Cluster' },
        TargetType: 'AWS::RDS::DBCluster',
      },
    },
    Cluster: {
      Type: 'AWS::RDS::DBCluster',
      Properties: {
        DatabaseName: database,
        MasterUsername: reference('username'),
        MasterUserPassword: reference('password'),
        VpcSecurityGroupIds: [{ 'Fn::GetAtt': ['Group', 'GroupId'] }],
      },
    },
    Group: { Type: 'AWS::EC2::SecurityGroup', Properties: {} },
    Things: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: `things-${database}`,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      },
    },
    Failures: { Type: 'AWS::S3::Bucket', Properties: {} },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Things', 'StreamArn'] },
        FunctionName: { Ref: 'Sync' },
        StartingPosition: 'TRIM_HORIZON',
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: retries,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Failures', 'Arn'] } } },
      },
    },
    MigrateVersion: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Migrate' } } },
    MigrateTrigger: {
      Type: 'Custom::Trigger',
      Properties: {
        ServiceToken: 'unused',
        HandlerArn: { Ref: 'MigrateVersion' },
        InvocationType: 'RequestResponse',
        Timeout: '120000',
      },
      DependsOn: ['Cluster', 'SecretAttachment'],
    },
    ...api(),
    ...route('Post', 'POST /things', 'Web'),
    ...route('Get', 'GET /things', 'Web'),
  },
  outputs: {
    Url: {
      Value: {
        'Fn::Join': [
          '',
          [
            'https://',
            { Ref: 'Api' },
            '.execute-api.',
            { Ref: 'AWS::Region' },
            '.',
            { Ref: 'AWS::URLSuffix' },
            '/things',
          ],
        ],
      },
    },
  },
})
