import { REGION } from '../template/pseudo.ts'
import type { FunctionDefinition } from './function.ts'

/** Addresses of the local servers that stand for AWS services. */
export type Endpoints = {
  readonly dynamodb: string
  readonly rdsData: string
  readonly secretsManager: string
  readonly sts: string
  readonly s3: string
  readonly lambda: string
  readonly cloudWatch: string
}

/** The local servers check no signature, yet the SDK sends none without credentials. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' }

/**
 * The environment of a function: what the template sets, what Lambda sets, and the addresses of the local servers in
 * the variables that every AWS SDK reads. Nothing of this process's own environment.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export const variablesOf = (
  definition: FunctionDefinition,
  endpoints: Endpoints,
): Record<string, string> => ({
  ...definition.environment,
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: definition.name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMiB),
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.name}`,
  LAMBDA_TASK_ROOT: definition.folder,
  _HANDLER: definition.handler,
  AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
  AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoints.dynamodb,
  AWS_ENDPOINT_URL_RDS_DATA: endpoints.rdsData,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
  AWS_ENDPOINT_URL_STS: endpoints.sts,
  AWS_ENDPOINT_URL_S3: endpoints.s3,
  AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
  AWS_ENDPOINT_URL_CLOUDWATCH: endpoints.cloudWatch,
})
