import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type Change, LARGEST_VERSION, laterVersion, type Row, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import { outwardRow } from '../model/outward.ts'
import type { Epoch } from '../model/owner.ts'
import { CallUnderWayError } from '../ports/claim-errors.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { Lifting, Source, Subject } from '../ports/source.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { toBatches } from './batch.ts'
import type { Catalogue } from './catalogue.ts'
import { untouched } from './claim-statements.ts'
import { withKnownIds } from './known-ids.ts'
import { type BeingCalled, type ReadRecord, readRecords } from './many-records.ts'
import { isBeside, recordNames } from './record-names.ts'
import { recorded } from './record-place.ts'
import { enrol } from './side-statements.ts'
import { keys, raw } from './statements.ts'

type Parts = {
  readonly db: Kysely<unknown>
  readonly entities: readonly Entity[]
  readonly catalogue: Catalogue
  readonly deadline: Deadline
}

/** Keys whose records are read at once. Of wide rows fewer are, since a result has a bound. */
const AT_ONCE = 250

/** Rows, their lists and tombstones as where changes come from: those of keys that Aurora owns. */
export class AuroraSource implements Source {
  readonly side = 'aurora'
  readonly #parts: Parts
  readonly #db: Kysely<unknown>

  constructor(parts: Parts) {
    this.#parts = parts
    this.#db = idempotently(parts.db)
  }

  /**
   * The records of keys as they are now, whosever they are.
   *
   * @returns one for each key, in that order
   * @throws OwnersUnknownError; DataApiError
   */
  async records(name: string, all: readonly string[]): Promise<readonly ReadRecord[]> {
    const entity = this.#entity(name)
    const read: ReadRecord[] = []
    for (let from = 0; from < all.length; from += AT_ONCE)
      read.push(...(await readRecords(entity, all.slice(from, from + AT_ONCE), this.#parts)))
    return read
  }

  /**
   * What Aurora holds of a key. What DynamoDB owns is not this source's to bring. A key of which there is neither row nor
   * tombstone is deleted, one version above the last one that is known.
   *
   * @throws InvalidRecordError for a row that can't be told as it is; CallUnderWayError
   */
  async current({ entity, key, version, op }: Subject, at: Date): Promise<readonly Change[]> {
    const record = await this.#record(this.#entity(entity), key)
    if (record === undefined || record.owner === 'dynamo') return []
    if (record.state === 'unread') throw new InvalidRecordError(record.error.message, { cause: record.error })
    const written = at.toISOString()
    if (record.state !== 'absent') return [changeOf(entity, record, written)]
    if (version === undefined) return []
    return [goneOf(entity, record, op === 'delete' ? version : version + 1n, written)]
  }

  /** @throws CallUnderWayError where a function is writing what is Aurora's; of what is DynamoDB's it tells nothing then */
  async #record(entity: Entity, key: string): Promise<Exclude<ReadRecord, BeingCalled> | undefined> {
    const [record] = await this.records(entity.name, [key])
    if (record?.state !== 'called') return record
    if (record.owner === 'dynamo') return undefined
    throw new CallUnderWayError(entity)
  }

  /**
   * One conditional statement: whoever writes the row in between is not overtaken. The trigger logs what was raised; of what is
   * beside the row this does.
   */
  async lift(change: Change, above: Version, under?: Epoch): Promise<Lifting> {
    const entity = this.#entity(change.entity)
    const next = laterVersion(above, under === undefined ? 0n : change.version) + 1n
    // The next version must have a next one itself.
    if (next >= LARGEST_VERSION) return 'kept'
    if (change.op === 'delete') return this.#liftDelete(entity, change, next)
    const [whole] = toBatches(entity, [{ ...change, op: 'delete' }], 'aurora')
    if (whole === undefined) return 'kept'
    const batch = await withKnownIds(this.#db, whole)
    if (isBeside(entity)) await enrol(entity, batch.keys).execute(this.#db)
    const { version, owner, epoch } = recordNames(entity)
    const { columns } = recordNames(entity)
    const unchanged = isBeside(entity) ? [] : await this.#parts.catalogue.setOnUpdate(entity.table)
    const { numAffectedRows = 0n } = await sql`
      UPDATE ${keys(entity, batch.keys)} ${recorded(entity, batch.lookup)}
      SET ${raw(columns.version)} = ${next}${under === undefined ? sql`` : sql`, ${raw(columns.epoch)} = ${under}`}${untouched(unchanged)}
      WHERE ${raw(version)} = j.v AND NOT (${raw(owner)} <=> 'dynamo')
        ${under === undefined ? sql`` : sql`AND ${raw(epoch)} < ${under}`}`.execute(this.#db)
    if (numAffectedRows === 0n && under !== undefined && (await this.#isSince(entity, change, under))) {
      await this.#log(entity, { ...change, epoch: under }, change.version)
      return 'lifted'
    }
    const lifting = numAffectedRows > 0n ? 'lifted' : await this.#found(entity, change, next)
    if (lifting === 'lifted' && isBeside(entity)) await this.#log(entity, change, next)
    return lifting
  }

  /** Whether a row was said to be of a move since it was read, and is as it was: it gets through once that is read with it. */
  async #isSince(entity: Entity, { key, version }: Change, move: Epoch): Promise<boolean> {
    const record = await this.#record(entity, key)
    if (record?.state !== 'held' || record.owner === 'dynamo') return false
    return record.version === version && record.epoch >= move
  }

  /** Its tombstone is raised, so that whoever makes the key anew is above both. */
  async #liftDelete(entity: Entity, change: Change, next: Version): Promise<Lifting> {
    const { numAffectedRows = 0n } = await sql`
      UPDATE backsync_tombstones SET version = ${next}
      WHERE entity = ${entity.name} AND entity_key = ${change.key} AND version = ${change.version}
        AND NOT (owner <=> 'dynamo')`.execute(this.#db)
    if (numAffectedRows === 0n) return this.#found(entity, change, next)
    // A row that came back meanwhile is what there is.
    const record = await this.#record(entity, change.key)
    return record?.state === 'deleted' || record?.state === 'absent' ? 'lifted' : 'late'
  }

  /** What a lift means that has changed nothing: it had been done before, or there is something else. */
  async #found(entity: Entity, change: Change, next: Version): Promise<Lifting> {
    const record = await this.#record(entity, change.key)
    if (record === undefined || record.owner === 'dynamo') return 'kept'
    const isDelete = change.op === 'delete'
    if (record.state === 'absent') return isDelete ? 'lifted' : 'late'
    return record.version === next && isDelete === (record.state === 'deleted') ? 'lifted' : 'late'
  }

  async #log({ name }: Entity, { key, op, epoch = 0n }: Change, version: Version): Promise<void> {
    await sql`
      INSERT INTO backsync_changes (entity, entity_key, op, version, epoch)
      VALUES (${name}, ${key}, ${op}, ${version}, ${epoch})`.execute(this.#db)
  }

  outward(name: string, row: Row): Row {
    return outwardRow(this.#entity(name), row)
  }

  #entity(name: string): Entity {
    const entity = this.#parts.entities.find((one) => one.name === name)
    if (entity === undefined) throw new ConfigurationError([`there is no entity ${name}`])
    return entity
  }
}

/** A record of Aurora's as a change. @param at when it was written, where the record doesn't know */
export const changeOf = (
  entity: string,
  record: Exclude<KeyRecord, { readonly state: 'absent' }>,
  at: string,
): Change => {
  const { key, version, epoch } = record
  const own = { entity, key, version, epoch, source: 'log', at: record.at ?? at }
  return record.state === 'held' ? { ...own, op: 'upsert', row: record.row } : { ...own, op: 'delete' }
}

/** The delete of a key of which Aurora has no record any more. */
export const goneOf = (
  entity: string,
  { key, epoch }: Pick<KeyRecord, 'key' | 'epoch'>,
  version: Version,
  at: string,
): Change => ({ entity, key, version, epoch, op: 'delete', source: 'log', at })
