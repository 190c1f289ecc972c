import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { withoutLog } from '../../runtime/without-log.ts'

/** How long a connection may take, in milliseconds. The calls have bounds of their own. */
const CONNECTION_TIMEOUT = 3_000

/**
 * A client of DynamoDB.
 *
 * @param config region and credentials @default those of the environment
 */
export const openDynamo = (
  config: Pick<DynamoDBClientConfig, 'region' | 'credentials'> = {},
): DynamoDBClient =>
  withoutLog(new DynamoDBClient({ requestHandler: { connectionTimeout: CONNECTION_TIMEOUT }, ...config }))
