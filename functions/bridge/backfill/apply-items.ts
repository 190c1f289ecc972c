import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { authorityOf, isNever, isTombstone } from '../dynamo/authority.ts'
import { itemToChange } from '../dynamo/entity-reader.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import { keysOf, readItemKey } from '../dynamo/item-key.ts'
import { belongsTo, nameOfItem } from '../dynamo/items.ts'
import { NOTHING, type PageOutcome } from '../jobs/segments.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, InvalidRecordError } from '../model/errors.ts'
import { faultOfKey } from '../model/key.ts'
import { decodeItem } from '../model/values.ts'
import { scanVersion, versionOf } from '../normalise/stream-record.ts'
import { BEFORE_ALL } from '../ports/place.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { Evidence } from '../sync/evidence.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'

/** Applies a page of a scan as the stream would bring it. @throws what `follow` throws; and what is to be done again */
export const applyItems = async (
  entity: Entity,
  { items, readAt }: ScanPage,
  mirror: Mirror,
): Promise<PageOutcome> => {
  const evidence = items.flatMap((item) => evidenceOf(entity, item, readAt))
  const counted = countingRows(entity.name, mirror.metrics)
  const verdicts = await follow(evidence, { ...mirror, metrics: counted.metrics })
  // The page's position is not noted: it is read once more.
  if (verdicts.includes('again')) throw new UnsettledPageError()
  const parked = evidence.filter((_, at) => verdicts[at] === 'parked')
  const applied = Math.min(counted.rows(), items.length - parked.length)
  return {
    ...NOTHING,
    items: items.length,
    bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
    applied,
    // What is held already, or newer; another entity's; Aurora's own.
    skipped: items.length - applied - parked.length,
    newer: counted.newer(),
    passed: items.length - evidence.length,
    refused: parked.length,
  }
}

/** A page of which something could neither be applied nor parked: it is to be read, and applied, once more. */
export class UnsettledPageError extends BridgeError {
  override readonly name = 'UnsettledPageError'
  readonly code = 'backfill.unsettled'
  readonly kind = 'transient'

  constructor() {
    super('Some items could neither be applied nor parked: go on when parking can be written')
  }
}

/** What an item is to the other side; nothing where it is another entity's, Aurora's own, or of a key that never was. */
const evidenceOf = (entity: Entity, item: Item, readAt: number): readonly Evidence[] => {
  if (!belongsTo(entity, item)) return []
  const payload = () => toJsonText({ item })
  let version: Version | undefined
  try {
    if (authorityOf(item).owner !== 'dynamo') return []
    const values = decodeItem(item, entity.name)
    if (isTombstone(item) && isNever(item, entity.names.version)) return []
    version = entity.versions === 'counted' ? versionOf(values, entity.names.version) : scanVersion(readAt)
    return [{ change: itemToChange(entity, keyOfItem(entity, item), values, version), payload }]
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    const fault = { entity: entity.name, key: nameOfItem(entity, item), version, error }
    return [{ fault, place: version === undefined ? BEFORE_ALL : {}, payload }]
  }
}

/** @throws InvalidRecordError for one that no row can have */
export const keyOfItem = (entity: Entity, item: Item): string => {
  const read = readItemKey(entity, keysOf(entity, item))
  if (read === undefined || 'fault' in read)
    throw new InvalidRecordError(read?.fault ?? "the key is another entity's")
  const fault = faultOfKey(read.key)
  if (fault !== undefined) throw new InvalidRecordError(`the key ${fault}`)
  if (!isRowKey(entity, read.key))
    throw new InvalidRecordError("the key is not in the form of the entity's keys")
  return read.key
}

/** Metrics that also tell of how many records of an entity were written, and how many are held in a later state. */
export const countingRows = (entity: string, metrics: Metrics) => {
  let [rows, newer] = [0, 0]
  return {
    rows: () => rows,
    newer: () => newer,
    metrics: {
      count: (name, of, n) => {
        if (name === 'Applied' && of === entity) rows += n
        if (name === 'Late' && of === entity) newer += n
        metrics.count(name, of, n)
      },
      milliseconds: (name, of, value) => metrics.milliseconds(name, of, value),
      flush: () => metrics.flush(),
    } satisfies Metrics,
  }
}
