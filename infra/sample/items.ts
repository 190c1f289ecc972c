import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { BulkWriter } from '../../functions/bridge/copy/bulk-writer.ts'
import type { Item } from '../../functions/bridge/drivers/dynamo/items.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { userPreferences } from '../../functions/sample/tables/user-preferences.ts'
import { users } from '../../functions/sample/tables/users.ts'

/** As if a backup of `users` had been restored beside it. */
export const RESTORED = 'users-restored'
const PREFERENCES = 1_000
const USERS = 500
/** How long a new table may take, in seconds. */
const ACTIVE = 30

const items = (count: number, of: (at: number) => Readonly<Record<string, string>>): Item[] =>
  Array.from({ length: count }, (_, at) =>
    Object.fromEntries(Object.entries(of(at)).map(([name, text]) => [name, { S: text }])),
  )

/**
 * Writes items to try the jobs on: a thousand preferences, and a table of five hundred users as if restored. The same
 * ones each time.
 *
 * @param preferences the table of preferences in DynamoDB
 */
export const writeSample = async (
  client: DynamoDBClient,
  preferences: string,
): Promise<{ readonly preferences: number; readonly users: number }> => {
  await createRestored(client)
  const deadline = new Deadline()
  const written = await Promise.all([
    new BulkWriter({ client, table: preferences, key: userPreferences.key, deadline }).put(
      items(PREFERENCES, (at) => ({
        id: `user-${String(Math.floor(at / 4) + 1).padStart(3, '0')}`,
        preferenceType: ['theme', 'language', 'newsletter', 'density'][at % 4] ?? 'theme',
        value: ['dark', 'en', 'off', 'compact'][at % 4] ?? 'dark',
        legacyFlag: 'Y',
      })),
    ),
    new BulkWriter({ client, table: RESTORED, key: users.key, deadline }).put(
      items(USERS, (at) => ({
        email: `user${at + 1}@example.com`,
        state: 'OR',
        city: `Springfield ${at + 1}`,
        zipcode: String(97_000 + at),
      })),
    ),
  ])
  return { preferences: written[0].written, users: written[1].written }
}

const createRestored = async (client: DynamoDBClient): Promise<void> => {
  const { partition } = users.key
  try {
    await client.send(
      new CreateTableCommand({
        TableName: RESTORED,
        AttributeDefinitions: [{ AttributeName: partition.name, AttributeType: partition.type }],
        KeySchema: [{ AttributeName: partition.name, KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  await waitUntilTableExists({ client, maxWaitTime: ACTIVE, minDelay: 1 }, { TableName: RESTORED })
}
