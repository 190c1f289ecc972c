import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import type { Change, Intent } from '../../../../functions/bridge/model/change.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import type { KeySets } from '../../../../functions/bridge/ports/key-sets.ts'
import { keptBy } from '../../fixtures/adopted.ts'
import { PLATES, plateOf } from '../../fixtures/plate.ts'
import { openWorld } from './world.ts'

/** Both sides on real servers, of the entity whose keys either of them may make anew, with its records in its rows or beside them. */
export const openPlates = async (record: RecordKind) => {
  const plate = plateOf(record)
  const world = await openWorld([plate], { [plate.item.table]: 'Plates' })
  await world.sync.aurora.legacy.query(keptBy(record, PLATES))
  /** Whoever asks about a plate asks about one of these. */
  const asOne = (side: KeyRecords): KeyRecords => ({
    side: side.side,
    read: (_, ...of) => side.read(plate, ...of),
    release: (_, ...of) => side.release(plate, ...of),
    take: (_, ...of) => side.take(plate, ...of),
    restore: (_, ...of) => side.restore(plate, ...of),
  })
  const setAsOne = (set: KeySets): KeySets => ({
    side: set.side,
    read: (_, ...of) => set.read(plate, ...of),
    busy: (_, ...of) => set.busy(plate, ...of),
    release: (_, ...of) => set.release(plate, ...of),
    take: (_, ...of) => set.take(plate, ...of),
  })
  return {
    ...world,
    plate,
    sets: { aurora: setAsOne(world.sets.aurora), dynamo: setAsOne(world.sets.dynamo) },
    sides: { aurora: asOne(world.sides.aurora), dynamo: asOne(world.sides.dynamo) },
    write: (side: Owner, change: Change | Intent) => world.stores[side].write(plate, change),
    /** An UPDATE of a legacy program, with what a trigger that is to come does to the record of a key which is Aurora's. */
    legacyUpdate:
      record === 'row'
        ? "UPDATE plates SET title = ?, backsync_version = backsync_version + 1 WHERE code = ? AND NOT (backsync_owner <=> 'dynamo')"
        : `UPDATE plates AS t LEFT JOIN backsync_records AS s ON s.entity = 'plate' AND s.entity_key = t.code
            SET t.title = ?, s.version = s.version + 1 WHERE t.code = ? AND NOT (s.owner <=> 'dynamo')`,
  }
}

export type Plates = Awaited<ReturnType<typeof openPlates>>
