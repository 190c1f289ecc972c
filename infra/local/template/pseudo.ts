/** The account and region that the local stack believes to be in; every ARN carries them. */
export const REGION = 'us-east-1'
export const ACCOUNT = '000000000000'
const PARTITION = 'aws'
export const URL_SUFFIX = 'amazonaws.com'

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html */
export const pseudoParameters = (stackName: string): Record<string, unknown> => ({
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': PARTITION,
  'AWS::URLSuffix': URL_SUFFIX,
  'AWS::StackName': stackName,
  'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stackName}/local`,
  'AWS::NotificationARNs': [],
})

/** An ARN in the local account and region. */
export const arn = (service: string, resource: string): string =>
  `arn:${PARTITION}:${service}:${REGION}:${ACCOUNT}:${resource}`
