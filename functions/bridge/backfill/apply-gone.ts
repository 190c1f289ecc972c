import { goneOf } from '../aurora/aurora-source.ts'
import { buryGone } from '../aurora/bury-gone.ts'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { authorityOf, isTombstone } from '../dynamo/authority.ts'
import { belongsTo } from '../dynamo/items.ts'
import { NOTHING, type PageOutcome } from '../jobs/segments.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { follow } from '../sync/follow.ts'
import { countingRows, keyOfItem, UnsettledPageError } from './apply-items.ts'
import { type Forward, recordEvidence } from './apply-records.ts'

/**
 * Deletes the items of a page that are Aurora's and whose rows are gone: where nothing in Aurora tells of the delete any more, that
 * is recorded first, one version above the item, so that whatever comes late brings nothing back.
 *
 * @throws what `follow` throws; UnsettledPageError
 */
export const applyGone = async (
  entity: Entity,
  { items, looked }: ScanPage,
  { db, source, mirror }: Forward,
): Promise<PageOutcome> => {
  const known = new Map(items.flatMap((item) => aurorasOwn(entity, item)))
  const keys = [...known.keys()]
  const at = mirror.now()
  const absent = (await source.records(entity.name, keys)).filter(
    ({ state, owner }) => state === 'absent' && owner === 'aurora',
  )
  await buryGone(
    db,
    entity,
    absent.map((record) => {
      const { version, epoch } = known.get(record.key) ?? { version: 0n, epoch: 0n }
      return goneOf(entity.name, { key: record.key, epoch }, version + 1n, at.toISOString())
    }),
  )
  // As they are by now: a row that was made meanwhile is what there is.
  const records = await source.records(entity.name, keys)
  const evidence = records
    .filter(({ state, owner }) => state === 'deleted' && owner === 'aurora')
    .flatMap((record) => recordEvidence(entity, record, at))
  const counted = countingRows(entity.name, mirror.metrics)
  const verdicts = await follow(evidence, { ...mirror, metrics: counted.metrics })
  if (verdicts.includes('again')) throw new UnsettledPageError()
  const refused = verdicts.filter((verdict) => verdict === 'parked').length
  const applied = Math.min(counted.rows(), evidence.length - refused)
  return {
    ...NOTHING,
    items: looked,
    bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
    applied,
    skipped: looked - applied - refused,
    refused,
  }
}

type Known = { readonly version: Version; readonly epoch: bigint }

/** The key of a live item that is Aurora's, with what it says; what can't be read is told where the items are filled in. */
const aurorasOwn = (entity: Entity, item: Item): readonly (readonly [string, Known])[] => {
  if (!belongsTo(entity, item) || isTombstone(item)) return []
  try {
    const { owner, epoch } = authorityOf(item)
    const version = item[entity.names.version]?.N ?? '0'
    if (owner !== 'aurora' || !/^\d+$/.test(version)) return []
    return [[keyOfItem(entity, item), { version: BigInt(version), epoch }]]
  } catch (error) {
    if (error instanceof InvalidRecordError) return []
    throw error
  }
}
