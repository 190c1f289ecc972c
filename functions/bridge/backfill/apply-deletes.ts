import type { Kysely } from 'kysely'
import { readOwnedRows } from '../aurora/row-heads.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { NOTHING, type PageOutcome } from '../jobs/segments.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import type { Subject } from '../ports/source.ts'
import { inLanes } from '../runtime/lanes.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'
import { countingRows, UnsettledPageError } from './apply-items.ts'

/** Rows that are looked at with one statement. */
const PAGE = 1_000
/** Items that are asked for at once. */
const LANES = 8

/**
 * Reads the rows of an entity that are DynamoDB's, page by page, as pages of a job.
 *
 * @param start where an earlier run has stopped
 */
export async function* scanOwnedRows(
  db: Kysely<unknown>,
  entity: Entity,
  start: ScanPage['next'],
  signal: AbortSignal,
): AsyncGenerator<ScanPage> {
  let position = start?.position?.S
  for (;;) {
    signal.throwIfAborted()
    const readAt = Date.now()
    const { rows, looked, next } = await readOwnedRows(db, entity, position, PAGE)
    yield {
      items: rows.map(({ key, version }) => ({ key: { S: key }, version: { N: String(version) } })),
      next: next === undefined ? undefined : { position: { S: next } },
      readAt,
      looked,
    }
    if (next === undefined) return
    position = next
  }
}

/**
 * Deletes the rows of a page whose items are gone: each is asked for, strongly consistent, and deleted one version above
 * the row. A key that was written since keeps what it has: the guard compares.
 *
 * @throws what `follow` throws; UnsettledPageError
 */
export const applyDeletes = async (
  entity: Entity,
  { items, looked }: ScanPage,
  mirror: Mirror,
): Promise<PageOutcome> => {
  const found = await inLanes(items, LANES, async ({ key, version }) =>
    deletesOf({ entity: entity.name, key: key?.S ?? '', version: BigInt(version?.N ?? '0') }, mirror),
  )
  const evidence = found.flat().map((change) => ({ change, payload: () => '{}' }))
  const counted = countingRows(entity.name, mirror.metrics)
  const verdicts = await follow(evidence, { ...mirror, metrics: counted.metrics })
  if (verdicts.includes('again')) throw new UnsettledPageError()
  const refused = verdicts.filter((verdict) => verdict === 'parked').length
  const applied = Math.min(counted.rows(), evidence.length - refused)
  return { ...NOTHING, items: looked, applied, skipped: looked - applied - refused, refused }
}

/** What a key whose item is gone comes to; nothing where there is an item, whatever is in it. */
const deletesOf = async (
  subject: Subject & { readonly op?: undefined },
  { source, now }: Mirror,
): Promise<readonly Change[]> => {
  try {
    return (await source.current(subject, now())).filter(({ op }) => op === 'delete')
  } catch (error) {
    // An item is there; that it is none of the entity's is told where the items are read.
    if (error instanceof InvalidRecordError) return []
    throw error
  }
}
