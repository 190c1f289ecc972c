import type { Kysely } from 'kysely'
import type { AuroraSource } from '../aurora/aurora-source.ts'
import { changeOf } from '../aurora/aurora-source.ts'
import type { ReadRecord } from '../aurora/many-records.ts'
import { readRowHeads } from '../aurora/row-heads.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { NOTHING, type PageOutcome } from '../jobs/segments.ts'
import { answerSize } from '../model/answer-size.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import type { Entity } from '../model/entity.ts'
import { outwardRow } from '../model/outward.ts'
import type { Evidence } from '../sync/evidence.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'
import { countingRows, UnsettledPageError } from './apply-items.ts'

/** What brings Aurora's records to DynamoDB; of a foreign write that stands there the mirror's `reclaim` has the relay hear. */
export type Forward = {
  readonly db: Kysely<unknown>
  readonly source: Pick<AuroraSource, 'records'>
  readonly mirror: Mirror
}

/** Rows of a page: their records are read with two statements, of wide rows with more. */
const RECORDS_PAGE = 1_000

/**
 * Reads which rows an entity has, page by page, as pages of a job: keys of rows, and places of those whose key has no form.
 *
 * @param range the ids of a segment, of rows that are counted: behind the one, up to the other
 * @param start where an earlier run has stopped
 * @throws what `readRowHeads` throws; the signal's reason
 */
export async function* scanRecords(
  db: Kysely<unknown>,
  entity: Entity,
  range: { readonly behind?: bigint | undefined; readonly upTo?: bigint | undefined },
  start: ScanPage['next'],
  {
    limiter,
    signal,
  }: { readonly limiter?: RateLimiter | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<ScanPage> {
  let position = start?.position?.S ?? range.behind?.toString()
  for (;;) {
    signal?.throwIfAborted()
    const limit = Math.min(RECORDS_PAGE, limiter?.pageItems ?? RECORDS_PAGE)
    await limiter?.take(limit, signal)
    const readAt = Date.now()
    const { rows, nameless, looked, next } = await readRowHeads(db, entity, {
      position,
      upTo: range.upTo,
      limit,
    })
    await limiter?.take(looked - limit, signal)
    yield {
      items: [
        ...rows.flatMap(({ key, owner }) => (owner === 'dynamo' ? [] : [{ key: { S: key } }])),
        ...nameless.map((place) => ({ place: { S: place } })),
      ],
      next: next === undefined ? undefined : { position: { S: next } },
      readAt,
      looked,
    }
    if (next === undefined) return
    position = next
  }
}

/**
 * Brings the records of a page to DynamoDB as the relay would: read as they are now, under version, owner and tombstone. Keys that
 * are DynamoDB's are passed over.
 *
 * @throws what `follow` throws; UnsettledPageError
 */
export const applyRecords = async (
  entity: Entity,
  { items, looked }: ScanPage,
  { source, mirror }: Pick<Forward, 'source' | 'mirror'>,
): Promise<PageOutcome> => {
  const keys = items.flatMap(({ key }) => (key?.S === undefined ? [] : [key.S]))
  const nameless = items.flatMap(({ place }) => (place?.S === undefined ? [] : [place.S]))
  const records = (await source.records(entity.name, keys)).filter(({ owner }) => owner !== 'dynamo')
  // What a function is writing the relay brings once that has ended, also where it writes nothing in the end.
  const called = records.flatMap(({ key, state }) => (state === 'called' ? [key] : []))
  if (called.length > 0) await mirror.reclaim?.(entity.name, called)
  const evidence = records.flatMap((record) => recordEvidence(entity, record, mirror.now()))
  const counted = countingRows(entity.name, mirror.metrics)
  const verdicts = await follow(evidence, { ...mirror, metrics: counted.metrics })
  // The page's position is not noted: it is read once more.
  if (verdicts.includes('again')) throw new UnsettledPageError()
  const parked = verdicts.filter((verdict) => verdict === 'parked').length
  const refused = parked + nameless.length
  const applied = Math.min(counted.rows(), evidence.length - parked)
  return {
    ...NOTHING,
    items: looked,
    bytes: records.reduce((sum, one) => sum + (one.state === 'held' ? answerSize(one.row) : 0), 0),
    applied,
    skipped: looked - applied - refused,
    newer: counted.newer(),
    passed: looked - evidence.length - nameless.length,
    refused,
    refusals: nameless.map((place) => ({
      key: { place: { S: place } },
      why: `the row at ${place} has no key that the definition knows`,
    })),
  }
}

/**
 * What a record is to the other side; nothing where neither row nor tombstone is there any more: the log tells of that, and of what
 * a function is writing.
 */
export const recordEvidence = (entity: Entity, record: ReadRecord, now: Date): readonly Evidence[] => {
  const { key, version } = record
  if (record.state === 'absent' || record.state === 'called') return []
  const shown = { key, version: String(version) }
  if (record.state === 'unread') {
    const fault = { entity: entity.name, key, version, error: record.error }
    return [{ fault, payload: () => JSON.stringify(shown) }]
  }
  const change = changeOf(entity.name, record, now.toISOString())
  const row = change.op === 'upsert' ? { row: change.row } : {}
  const payload = (): string =>
    toJsonText({ ...shown, ...(row.row && { row: toAttributeValue(outwardRow(entity, row.row)).M }) })
  return [{ change, payload }]
}
