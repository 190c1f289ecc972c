import { type Kysely, sql } from 'kysely'
import { isResultTooLarge } from '../drivers/data-api/errors.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { AuroraStore } from './aurora-store.ts'
import { ownersKnown } from './authority.ts'
import { recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { keyOfSelected, whichRow } from './row-key.ts'
import { readSelected, type SqlRow } from './selection.ts'
import { isDeleted, readRecord } from './stored-record.ts'
import { selection } from './wide-rows.ts'

type Parts = { readonly db: Kysely<unknown>; readonly store: AuroraStore }

/**
 * Aurora's record of a key, with whose it is, as a request needs it: one statement for a row that is there. A row that is larger
 * than a result, or that code of the entity's own reads, takes several.
 *
 * @param key or the id of a legacy row
 * @returns under the key that the row has
 * @throws RowTooLargeError; UnreadableAttributesError and the like for a row that can't be told as it is
 */
export const readHeldRecord = async (entity: Entity, key: string, parts: Parts): Promise<KeyRecord> => {
  const held = await selectHeld(entity, key, parts.db)
  switch (held.is) {
    case 'held':
      return held.record
    case 'in parts':
      return readInParts(entity, key, parts.store)
    case 'uncounted':
    case 'none':
      return readGone(entity, key, parts.store)
  }
}

/**
 * `uncounted`: a row that counts as none; `in parts`: what one statement can't tell. `known`: whether each record of the entity says
 * whose its key is.
 */
export type SelectedRow =
  | { readonly is: 'held'; readonly record: KeyRecord & { readonly state: 'held' }; readonly known: boolean }
  | { readonly is: 'uncounted' | 'none' | 'in parts' }

/**
 * The row of a key, with its record, by one statement.
 *
 * @throws UnreadableAttributesError and the like for a row that can't be told as it is
 */
export const selectHeld = async (entity: Entity, key: string, db: Kysely<unknown>): Promise<SelectedRow> => {
  if (entity.read !== undefined) return { is: 'in parts' }
  const { owner, epoch } = recordNames(entity)
  try {
    const { rows } = await sql<SqlRow>`
      SELECT ${selection(entity)}, ${sql.raw(owner)} AS held_owner, CAST(${sql.raw(epoch)} AS CHAR) AS held_epoch,
        IF(${ownersKnown(entity)}, 1, 0) AS held_known
      FROM ${source(entity, key)} WHERE ${whichRow(entity, key)}`.execute(idempotently(db))
    const [row] = rows
    if (row === undefined) return { is: 'none' }
    if (isDeleted(row)) return { is: 'uncounted' }
    const { version, updatedAt: at } = readRecord(row)
    const values = readSelected(entity, row)
    const authority: Authority = {
      owner: row.held_owner === 'dynamo' ? 'dynamo' : 'aurora',
      epoch: BigInt(String(row.held_epoch ?? 0)),
    }
    return {
      is: 'held',
      record: { key: keyOfSelected(entity, row), state: 'held', row: values, version, at, ...authority },
      known: Number(row.held_known) === 1,
    }
  } catch (error) {
    if (isResultTooLarge(error)) return { is: 'in parts' }
    throw error
  }
}

/** How often a row is read anew that is written between its two reads. */
const ROUNDS = 5

const readInParts = async (entity: Entity, key: string, store: AuroraStore): Promise<KeyRecord> => {
  for (let round = 1; ; round++) {
    const head = await store.head(entity, key)
    if (head === undefined) return readGone(entity, key, store)
    const stored = await store.get(entity, head.key)
    if (stored?.version !== head.version && round < ROUNDS) continue
    if (stored === undefined) return readGone(entity, key, store)
    const { row, version, updatedAt: at } = stored
    return { key: head.key, state: 'held', row, version, at, owner: head.owner, epoch: head.epoch }
  }
}

const readGone = async (entity: Entity, key: string, store: AuroraStore): Promise<KeyRecord> => {
  const tombstone = await store.tombstone(entity, key)
  const { owner, epoch, version, at } = tombstone ?? { owner: 'aurora', epoch: 0n, version: 0n, at: null }
  return version === 0n
    ? { key, state: 'absent', version: 0n, at: null, owner, epoch }
    : { key, state: 'deleted', version, at, owner, epoch }
}
