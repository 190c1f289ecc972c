import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { FoundRow, OwnReading } from '../model/hooks.ts'
import { type Listed, type Unreadable, UnreadableRowError } from '../ports/store.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { readOwn } from './own-reading.ts'
import { source } from './record-place.ts'
import { withRecords } from './record-reads.ts'
import { keyOfSelected, nameOfSelected, rowPosition, selectedKey } from './row-key.ts'
import type { SqlRow } from './selection.ts'
import { isDeleted, readRecord, recordColumns } from './stored-record.ts'
import { address, addressOf } from './winners.ts'

/** A row's place among the others, and what it is read as; nothing where it counts as deleted, or is left out. */
export type RowEntry = { readonly position: string; readonly read: Listed | Unreadable | undefined }

/**
 * Rows whose content an entity's own code reads: here which there are, with their records.
 *
 * @param what the whole content or, where the code has a reading of its own for these, what lists show
 * @param which what follows FROM
 * @param key where it is one row's
 */
export const ownRows = async (
  transaction: Transaction<unknown>,
  entity: Entity,
  reading: OwnReading,
  {
    what,
    which,
    key,
    deadline,
  }: {
    readonly what: keyof OwnReading
    readonly which: RawBuilder<unknown>
    readonly key?: string
    readonly deadline: Deadline
  },
): Promise<readonly RowEntry[]> => {
  const { rows } = await sql<SqlRow>`
    SELECT ${sql.join([...selectedKey(entity), ...recordColumns(entity), ...address(entity)])}
    FROM ${source(entity, key)} ${which}`.execute(transaction)
  const whole = key === undefined ? await withRecords(transaction, entity, rows) : rows
  const found = whole.map((row) => ({ position: rowPosition(entity, row), found: foundOf(entity, row) }))
  const own = await readOwn(
    entity,
    reading,
    what,
    found.flatMap(({ found: one }) => (one === undefined || 'error' in one ? [] : [one])),
    { database: transaction, deadline },
  )
  return found.map(({ position, found: one }): RowEntry => {
    if (one === undefined || 'error' in one) return { position, read: one }
    const { key: itsKey, version, updatedAt } = one
    const content = own.get(itsKey)
    if (content === undefined) return { position, read: undefined }
    if ('error' in content) return { position, read: { key: itsKey, error: content.error } }
    const isPart = what === 'list' && reading.list !== undefined
    return {
      position,
      read: { key: itsKey, row: content.row, version, updatedAt, ...(isPart && { isPart }) },
    }
  })
}

const foundOf = (entity: Entity, row: SqlRow): FoundRow | Unreadable | undefined => {
  if (isDeleted(row)) return undefined
  try {
    const key = keyOfSelected(entity, row)
    const itsAddress = addressOf(entity, key, row)
    return itsAddress && { key, ...itsAddress, ...readRecord(row) }
  } catch (cause) {
    const error = cause instanceof BridgeError ? cause : new UnreadableRowError(entity, { cause })
    return { key: nameOfSelected(entity, row), error }
  }
}
