import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Bounds } from '../drivers/dynamo/patient-call.ts'
import { scanSegment } from '../drivers/dynamo/scan.ts'
import { isTombstone } from '../dynamo/authority.ts'
import { belongsTo, ForeignItemError, toStored } from '../dynamo/items.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Mirror } from '../sync/mirror.ts'
import { type CopyPlan, CopyRefusedError } from './copy-plan.ts'

/**
 * A copy writes as careless a writer as there is: it brings old versions back. Where a stream follows the destination,
 * what it deletes and puts goes on to the other side, and the guard there takes what has stepped back for old.
 */

/**
 * A table that a stream follows is emptied only by who names it.
 *
 * @throws CopyRefusedError
 */
export const requireNamed = ({ request, destination, steps }: CopyPlan): void => {
  if (!destination.followed || !steps.includes('cleanup')) return
  if (request.emptiesFollowedTable === destination.name) return
  throw new CopyRefusedError(
    'copy.followed',
    `a stream follows ${destination.name}: what is deleted there is deleted at the other side as well. A request that is to empty it has emptiesFollowedTable: "${destination.name}"`,
  )
}

/** What the other side holds of the items that a table has now. */
export type FollowedReport = {
  readonly entity: string
  /** Items that were looked at, one for each key. */
  readonly keys: number
  /** Held as they are. */
  readonly held: number
  /** Not held, and listed. */
  readonly parked: number
  /** Not held: still on its way through the stream, or lost to it. */
  readonly toCome: number
  /** No items of the entity. */
  readonly unreadable: number
}

type Parts = Pick<Mirror, 'sink' | 'parking'> & Bounds & { readonly client: DynamoDBClient }

/** Keys that the other side is asked for at once. */
const PAGE_ITEMS = 500

/**
 * Asks the other side for each item that an entity's table has: whether it holds the same version with the same content.
 * It reads the table once more, and writes nothing.
 *
 * @returns undefined where that can't be asked: the sink can't tell, or items have no version of their own
 * @throws DynamoError, DeadlineError; what the sink throws
 */
export const askFollowed = async (
  entity: Entity,
  table: string,
  { client, sink, parking, ...bounds }: Parts,
): Promise<FollowedReport | undefined> => {
  if (sink.unheld === undefined || entity.versions === 'stream') return undefined
  let [keys, held, listed, unreadable] = [0, 0, 0, 0]
  const parked = await parking.parkedOf(entity.name)
  const pages = scanSegment({
    ...bounds,
    ...{ client, table, segment: 0, segments: 1, consistent: true, pageItems: PAGE_ITEMS },
  })
  for await (const { items } of pages) {
    const own = items.filter((item) => !isTombstone(item) && belongsTo(entity, item))
    const changes = own.flatMap((item): Change[] => {
      try {
        const { key, row, version, updatedAt } = toStored(entity, item)
        const at = updatedAt ?? new Date().toISOString()
        return [{ entity: entity.name, key, op: 'upsert', row, version, source: 'scan', at }]
      } catch (error) {
        if (error instanceof ForeignItemError) return []
        throw error
      }
    })
    const unheld = await sink.unheld(entity.name, changes)
    keys += own.length
    unreadable += own.length - changes.length
    held += changes.length - unheld.size
    for (const { key } of unheld) if (parked.has(key)) listed += 1
  }
  return {
    entity: entity.name,
    ...{ keys, held, parked: listed, toCome: keys - held - listed - unreadable, unreadable },
  }
}
