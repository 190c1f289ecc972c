import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import type { OwnTable } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import { unmoved } from '../model/route.ts'
import { readRouteItem, type StoredRoute } from './route-item.ts'
import { routeTable } from './route-table.ts'

/**
 * @param limit how long it may take with its repeats, in milliseconds; absent: as any other
 * @returns the route of an entity; of one that nobody has moved, revision 0
 * @throws DynamoError, DeadlineError; the limit's TimeoutError; ForeignRouteError
 */
export const readRoute = async (
  { client, table: TableName, deadline }: OwnTable,
  entity: string,
  limit?: number,
): Promise<StoredRoute> => {
  const command = new GetItemCommand({
    ...{ TableName, Key: { [routeTable.partition]: { S: entity } }, ConsistentRead: true },
  })
  const signal = limit === undefined ? undefined : AbortSignal.timeout(limit)
  const { Item } = await callPatiently('GetItem', { deadline, signal }, (options) =>
    client.send(command, options),
  )
  return Item === undefined ? { route: unmoved(entity), revision: 0, token: '' } : readRouteItem(Item)
}
