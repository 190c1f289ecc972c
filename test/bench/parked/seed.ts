import { type AttributeValue, BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ParkingCalls } from '../../../functions/bridge/parking/calls.ts'
import { Hints } from '../../../functions/bridge/parking/hints.ts'
import { awaitedKey } from '../../../functions/bridge/parking/keys.ts'
import { planPark } from '../../../functions/bridge/parking/plan.ts'
import type { Parked } from '../../../functions/bridge/ports/parking.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { inLanes } from '../../../functions/bridge/runtime/lanes.ts'

type Item = Record<string, AttributeValue>

/** DynamoDB's limit of a batch, and batches at once. */
const AT_ONCE = 25
const LANES = 8

const itemsOf = (table: string, change: Parked, at: Date): Item[] => [
  ...planPark(table, { entry: undefined, mark: undefined }, change, {
    at,
    revision: 'seeded',
    parts: [new Uint8Array([0])],
  }).flatMap(({ Put }): Item[] => (Put?.Item === undefined ? [] : [Put.Item])),
  ...(change.waitsFor ?? []).map((on) => ({ ...awaitedKey(on), revision: { S: 'seeded' } })),
]

/** Parks changes as parking itself would, but for its conditions, many at once. */
export const seed = async (
  client: DynamoDBClient,
  table: string,
  changes: readonly Parked[],
  at: Date,
): Promise<void> => {
  await new Hints(new ParkingCalls({ client, table, deadline: new Deadline() })).mark(changes, at)
  const items = changes.flatMap((change) => itemsOf(table, change, at))
  const batches = Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, n) =>
    items.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  )
  await inLanes(batches, LANES, async (batch) => {
    let requests = { [table]: batch.map((Item) => ({ PutRequest: { Item } })) }
    while ((requests[table]?.length ?? 0) > 0) {
      const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems: requests }))
      requests = {
        [table]: (UnprocessedItems?.[table] ?? []).flatMap(({ PutRequest }) =>
          PutRequest?.Item === undefined ? [] : [{ PutRequest: { Item: PutRequest.Item } }],
        ),
      }
    }
  })
}
