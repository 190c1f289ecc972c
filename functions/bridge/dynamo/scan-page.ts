import type { ScanCommandInput, ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import type { Page, PageRequest } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { filter } from './conditions.ts'
import { positionOf, startKeyOf } from './position.ts'

/** Items that one call looks at, where most of them may be other entities'. */
const LOOKED_AT = 1000
/** Calls for one page: a rare entity in a large table gets a short page and a cursor, not a timeout. */
const MOST_CALLS = 10
/** Bytes of items after which a page is left short: what Lambda answers has 6 MB at most, and base64 grows by a third. */
const LARGEST_PAGE = 1_000_000

/** A call of Scan; table and consistency are the caller's. */
export type Scan = (
  input: Omit<ScanCommandInput, 'TableName'>,
) => Promise<Pick<ScanCommandOutput, 'Items' | 'LastEvaluatedKey'>>

/**
 * Collects one page of an entity's items.
 *
 * @param read gives no item for one that can't be shown
 * @returns the page; a position is the primary key of the item behind which a page begins
 * @throws InvalidPositionError
 */
export const scanPage = async (
  entity: Entity,
  { limit, position: start }: PageRequest,
  scan: Scan,
  read: (item: Item) => readonly Stored[],
): Promise<Page> => {
  const own = filter(entity)
  const items: Stored[] = []
  let position = start
  let bytes = 0
  for (let call = 1; call <= MOST_CALLS && bytes < LARGEST_PAGE; call++) {
    const { Items = [], LastEvaluatedKey } = await scan({
      Limit: own === undefined ? limit - items.length : LOOKED_AT,
      ...(position !== undefined && {
        ExclusiveStartKey: startKeyOf(entity, position),
      }),
      ...(own !== undefined && {
        FilterExpression: own.expression,
        ExpressionAttributeNames: { ...own.names },
        ExpressionAttributeValues: own.values,
      }),
    })
    for (const item of Items) {
      if (items.length === limit) return { items, next: position }
      items.push(...read(item))
      position = positionOf(entity, item)
      bytes += itemSize(item)
    }
    position = positionOf(entity, LastEvaluatedKey)
    if (position === undefined || items.length === limit) break
  }
  return { items, next: position }
}
