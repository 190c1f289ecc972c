import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { inLanes } from '../../runtime/lanes.ts'
import type { Item } from './items.ts'
import { type Bounds, callPatiently, pauseBeforeRepeat } from './patient-call.ts'

/** DynamoDB gives so many items in one call. */
const KEYS = 100
/** Such calls at once. */
const CALLS = 4

/**
 * Reads the items of primary keys, strongly consistent.
 *
 * @param table its name in DynamoDB
 * @param keys each once
 * @returns those that are there, in no order
 * @throws DynamoError, DeadlineError; the signal's reason
 */
export const batchGet = async (
  keys: readonly Item[],
  { client, table, ...bounds }: Bounds & { readonly client: DynamoDBClient; readonly table: string },
): Promise<readonly Item[]> => {
  const groups = Array.from({ length: Math.ceil(keys.length / KEYS) }, (_, at) =>
    keys.slice(at * KEYS, (at + 1) * KEYS),
  )
  const found = await inLanes(groups, CALLS, async (group) => {
    const items: Item[] = []
    let left: Item[] = [...group]
    for (let call = 0; left.length > 0; call++) {
      await bounds.limiter?.take(left.length, bounds.signal)
      const command = new BatchGetItemCommand({
        RequestItems: { [table]: { Keys: left, ConsistentRead: true } },
      })
      const { Responses, UnprocessedKeys } = await callPatiently('BatchGetItem', bounds, (send) =>
        client.send(command, send),
      )
      items.push(...(Responses?.[table] ?? []))
      left = UnprocessedKeys?.[table]?.Keys ?? []
      // What doesn't fit into 16 MB comes with the next call; what is held back has to wait.
      if (left.length > 0) await pauseBeforeRepeat(call, 'BatchGetItem', bounds)
    }
    return items
  })
  return found.flat()
}
