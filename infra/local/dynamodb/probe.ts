import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'

/**
 * Asks a DynamoDB on this machine for its tables, once and without retries.
 *
 * @throws the SDK's error when it gives no answer within the time
 */
export const probeDynamoDb = async (endpoint: string, withinMs: number): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    // Emulators want a signature and accept any.
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  try {
    await client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal: AbortSignal.timeout(withinMs) })
  } finally {
    client.destroy()
  }
}
