import { createHash } from 'node:crypto'
import { ACCOUNT, arn, REGION, URL_SUFFIX } from './pseudo.ts'

/** What `Ref` and `Fn::GetAtt` say of a resource, as far as it is known before the resource runs. */
export type Identity = { readonly ref: string; readonly attributes: Readonly<Record<string, string>> }

/** What names a resource: its logical id, its stack, and the name that the template may give it. */
export type Naming = {
  readonly id: string
  readonly stackName: string
  /** A text property with its intrinsics resolved, or undefined when it is absent. */
  readonly property: (name: string) => string | undefined
}

/** Six letters and digits that stay the same for the same resource, as a secret's ARN ends in. */
const suffix = (naming: Naming): string =>
  digest(naming)
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 6)

const digest = (naming: Naming): string =>
  createHash('sha256').update(`${naming.stackName}/${naming.id}`).digest('hex')

/** A UUID that stays the same for the same resource: an event source mapping keeps its checkpoint by it. */
const uuid = (naming: Naming): string =>
  digest(naming).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')

/** CloudFormation adds a random end to generated names; here they must survive a restart, so there is none. */
const generated = (naming: Naming): string => `${naming.stackName}-${naming.id}`

/**
 * The identity of each resource type that runs here, and of those in `onlyNamed`. Attributes that exist only once the
 * resource runs (a table's stream ARN, the gateway's URL) are published later.
 */
export const identities: Readonly<Record<string, (naming: Naming) => Identity>> = {
  'AWS::DynamoDB::Table': (n) => ({ ref: n.property('TableName') ?? generated(n), attributes: {} }),
  'AWS::DynamoDB::GlobalTable': (n) => ({ ref: n.property('TableName') ?? generated(n), attributes: {} }),
  'AWS::RDS::DBCluster': (n) => {
    const ref = (n.property('DBClusterIdentifier') ?? generated(n)).toLowerCase()
    return {
      ref,
      attributes: { DBClusterArn: arn('rds', `cluster:${ref}`), DBClusterResourceId: `cluster-${suffix(n)}` },
    }
  },
  'AWS::SecretsManager::Secret': (n) => {
    const ref = arn('secretsmanager', `secret:${n.property('Name') ?? n.id}-${suffix(n)}`)
    return { ref, attributes: { Id: ref } }
  },
  'AWS::SecretsManager::SecretTargetAttachment': (n) => ({
    ref: n.property('SecretId') ?? n.id,
    attributes: {},
  }),
  'AWS::Lambda::Function': (n) => {
    const ref = n.property('FunctionName') ?? generated(n)
    return { ref, attributes: { Arn: arn('lambda', `function:${ref}`) } }
  },
  'AWS::Lambda::Version': (n) => {
    const ref = qualified(n.property('FunctionName') ?? n.id, '1')
    return { ref, attributes: { Version: '1', FunctionArn: ref } }
  },
  'AWS::Lambda::Alias': (n) => {
    const ref = qualified(n.property('FunctionName') ?? n.id, n.property('Name') ?? 'live')
    return { ref, attributes: { AliasArn: ref } }
  },
  'AWS::Lambda::EventSourceMapping': (n) => {
    const ref = uuid(n)
    return {
      ref,
      attributes: { Id: ref, EventSourceMappingArn: arn('lambda', `event-source-mapping:${ref}`) },
    }
  },
  'AWS::ApiGatewayV2::Api': (n) => {
    const ref = `api${suffix(n)}`
    return { ref, attributes: { ApiId: ref } }
  },
  'AWS::ApiGatewayV2::Integration': (n) => ({ ref: n.id, attributes: { IntegrationId: n.id } }),
  'AWS::ApiGatewayV2::Route': (n) => ({ ref: n.id, attributes: { RouteId: n.id } }),
  'AWS::ApiGatewayV2::Stage': (n) => ({ ref: n.property('StageName') ?? '$default', attributes: {} }),
  'AWS::ApiGatewayV2::Authorizer': (n) => ({ ref: n.id, attributes: { AuthorizerId: n.id } }),
  'AWS::S3::Bucket': (n) => {
    const ref = n.property('BucketName') ?? generated(n).toLowerCase()
    return {
      ref,
      attributes: {
        Arn: `arn:aws:s3:::${ref}`,
        DomainName: `${ref}.s3.${URL_SUFFIX}`,
        RegionalDomainName: `${ref}.s3.${REGION}.${URL_SUFFIX}`,
      },
    }
  },
  'AWS::SQS::Queue': (n) => {
    const name = n.property('QueueName') ?? generated(n)
    const url = `https://sqs.${REGION}.${URL_SUFFIX}/${ACCOUNT}/${name}`
    return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } }
  },
  'AWS::Events::Rule': (n) => {
    const ref = n.property('Name') ?? generated(n)
    return { ref, attributes: { Arn: arn('events', `rule/${ref}`) } }
  },
  'AWS::StepFunctions::StateMachine': (n) => {
    const name = n.property('StateMachineName') ?? generated(n)
    const ref = arn('states', `stateMachine:${name}`)
    return { ref, attributes: { Arn: ref, Name: name } }
  },
  'Custom::Trigger': (n) => ({ ref: n.id, attributes: {} }),
}

/** Of these the identity is known, for outputs to name it; nothing runs here. */
export const onlyNamed: ReadonlySet<string> = new Set(['AWS::StepFunctions::StateMachine'])

/** A plausible identity of a resource without a local meaning: roles, log groups, networks, alarms. */
export const plausibleIdentity = (
  type: string,
  naming: Naming,
): { ref: string; attribute: (name: string) => string } => {
  const service = type.split('::')[1]?.toLowerCase() ?? 'local'
  const name = generated(naming)
  return {
    ref: name,
    attribute: (attribute) => (/arn$/i.test(attribute) ? arn(service, name) : `${name}-${attribute}`),
  }
}

/** A function's name or ARN with a version or alias. */
const qualified = (nameOrArn: string, qualifier: string): string =>
  nameOrArn.startsWith('arn:')
    ? `${nameOrArn}:${qualifier}`
    : `${arn('lambda', `function:${nameOrArn}`)}:${qualifier}`
