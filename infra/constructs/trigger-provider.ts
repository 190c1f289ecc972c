import { Policy, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnResource, Fn, Stack } from 'aws-cdk-lib/core'
import type { Trigger } from 'aws-cdk-lib/triggers'
import type { Construct } from 'constructs'

/** Where aws-cdk-lib keeps the function behind all triggers of a stack. */
const providerId = 'AWSCDK.TriggerCustomResourceProviderCustomResourceProvider'

/**
 * Makes the function that CDK puts behind a trigger log to the given group and to no other: by itself it logs to a
 * group that never expires, with the right to create and write every group of the account.
 *
 * @param scope of the policy that says so
 * @throws when aws-cdk-lib no longer has that function at its place; then look for a way in that it offers
 */
export function confineTriggerProvider(scope: Construct, trigger: Trigger, logGroup: ILogGroup): void {
  const provider = Stack.of(trigger).node.findChild(providerId)
  const handler = resource(provider.node.findChild('Handler'))
  const role = resource(provider.node.findChild('Role'))

  handler.addPropertyOverride('LoggingConfig', { LogGroup: logGroup.logGroupName })
  role.addPropertyDeletionOverride('ManagedPolicyArns')
  const policy = new Policy(scope, 'ProviderLogs', {
    statements: [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    ],
  })
  policy.attachToRole(Role.fromRoleName(scope, 'ProviderRole', Fn.ref(role.logicalId)))
  trigger.executeAfter(policy)
}

function resource(construct: unknown): CfnResource {
  if (CfnResource.isCfnResource(construct)) return construct
  throw new TypeError(`${providerId} is not made of CloudFormation resources any more`)
}
