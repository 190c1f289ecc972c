import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

/** A client of the target's DynamoDB: its settings are in the environment by now. */
export const openClient = (): DynamoDBClient =>
  new DynamoDBClient({ requestHandler: { connectionTimeout: 3_000 } })
