import { type RawBuilder, sql } from 'kysely'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Stored } from '../ports/stored.ts'
import { recordNames } from './record-names.ts'

/* What of a row's record is selected with it, and how it is read. */

type SqlRow = Readonly<Record<string, unknown>>

export const recordColumns = (entity: Entity): readonly RawBuilder<unknown>[] => [
  sql`${sql.raw(recordNames(entity).version)} AS backsync_version`,
  sql`${sql.raw(recordNames(entity).updatedAt)} AS backsync_updated_at`,
]

export const readRecord = (row: SqlRow): Pick<Stored, 'version' | 'updatedAt'> => {
  const { backsync_version: version, backsync_updated_at: updatedAt } = row
  return { version: toVersion(version), updatedAt: typeof updatedAt === 'string' ? toIso(updatedAt) : null }
}

/** Whether a row that is there counts as deleted: no version that was written is 0. */
export const isDeleted = ({ backsync_version: version }: SqlRow): boolean => toVersion(version) === 0n

export const toVersion = (value: unknown): Version =>
  BigInt(typeof value === 'bigint' ? value : String(value))

/** `YYYY-MM-DD HH:MM:SS[.f]` in UTC; how many digits the fraction has is the service's choice. */
export const toIso = (text: string): string => {
  const [whole = '', fraction = ''] = text.split('.')
  return `${whole.replace(' ', 'T')}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
