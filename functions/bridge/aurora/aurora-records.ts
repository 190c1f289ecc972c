import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority, Epoch } from '../model/owner.ts'
import { CallUnderWayError, ClaimConflictError, OwnersUnknownError } from '../ports/claim-errors.ts'
import type { AsRead, DecidedRecords, KeyRecord } from '../ports/key-records.ts'
import type { AuroraSink } from './aurora-sink.ts'
import type { AuroraStore } from './aurora-store.ts'
import { type Batch, toBatches } from './batch.ts'
import { selectNumber, selectUnderCall } from './called-rows.ts'
import type { Catalogue } from './catalogue.ts'
import { changeOfClaim } from './claim-change.ts'
import {
  claimAbsent,
  claimRecords,
  claimRows,
  claimTombstones,
  isLogged,
  mayBeUntold,
  type RowClaim,
} from './claim-statements.ts'
import { selectHeld } from './held-record.ts'
import { withKnownIds } from './known-ids.ts'
import { readOwners } from './owners.ts'
import { isBeside, recordNames } from './record-names.ts'
import { enrol } from './side-statements.ts'
import { raw, type Sql } from './statements.ts'

type Parts = {
  readonly db: Kysely<unknown>
  readonly store: AuroraStore
  readonly sink: AuroraSink
  readonly catalogue: Catalogue
}

/** Rows and tombstones as one side of a claim: its statements commit one by one, and any of them may be the last. */
export class AuroraRecords implements DecidedRecords {
  readonly side = 'aurora'
  readonly #db: Kysely<unknown>
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#db = idempotently(parts.db)
    this.#parts = parts
  }

  /** @throws OwnersUnknownError as long as not every record of the entity says whose its key is */
  async read(entity: Entity, key: string): Promise<KeyRecord> {
    const { store } = this.#parts
    // What may be untold has to be asked for first.
    const held = mayBeUntold(entity) ? undefined : await selectHeld(entity, key, this.#db)
    if (held?.is === 'held') {
      if (!held.known) throw new OwnersUnknownError(entity)
      return held.record
    }
    const head = held?.is === 'none' ? undefined : await store.head(entity, key)
    const own = head?.key ?? key
    const tombstone = head === undefined ? await store.tombstone(entity, own) : undefined
    const known = head ?? tombstone
    if (!(known?.known ?? (await this.#areOwnersKnown(entity)))) throw new OwnersUnknownError(entity)
    const authority: Authority = { owner: known?.owner ?? 'aurora', epoch: known?.epoch ?? 0n }
    // Of a row at no version it is known only whose its key is: a function has begun it, or plain SQL what the owner is to undo.
    if (head?.version === 0n) return { key: own, state: 'absent', version: 0n, at: null, ...authority }
    if (head !== undefined) {
      // Before the content: what is carried over in between has raised the version.
      const isUntold = mayBeUntold(entity) && (await this.#isLogged(entity, own))
      const stored = await store.get(entity, own)
      // Read apart: a row that was written in between is read again.
      if (stored === undefined || stored.version !== head.version) return this.read(entity, own)
      const { row, version, updatedAt: at } = stored
      return { key: own, state: 'held', row, version, at, ...authority, ...(isUntold && { isUntold }) }
    }
    if (tombstone === undefined || tombstone.version === 0n)
      return { key: own, state: 'absent', version: 0n, at: null, ...authority }
    return { key: own, state: 'deleted', version: tombstone.version, at: tombstone.at, ...authority }
  }

  /** The tombstone goes before the row: whoever makes the row in between has met the one, or is met by the other. */
  async release(
    entity: Entity,
    key: string,
    to: Authority,
    { was, isHeld = false }: AsRead,
  ): Promise<KeyRecord> {
    if (isHeld && entity.legacyFunction === undefined && !isBeside(entity)) {
      const now = await this.#releaseHeld(entity, key, to, was)
      if (now.state === 'held' && now.owner === to.owner && now.epoch === to.epoch) return now
    }
    // A row that a function has made may be about to get another key than its id: not once that is moved.
    await this.#requireNoCall(entity, selectNumber(entity, key))
    const batch = await this.#batchOf(entity, key, to)
    await this.#run(claimAbsent(entity, batch.keys, batch.lookup, to.owner, was))
    await this.#releaseRecords(batch, to, was)
    await this.#requireNoCall(entity, selectUnderCall(entity, key))
    return this.read(entity, key)
  }

  /** As for a row that is there: one that has gone since is left as it is. */
  async #releaseHeld(entity: Entity, key: string, to: Authority, was: Epoch): Promise<KeyRecord> {
    await this.#releaseRecords(await this.#batchOf(entity, key, to), to, was)
    return this.read(entity, key)
  }

  async #releaseRecords(batch: Batch, to: Authority, was: Epoch): Promise<void> {
    const { entity, keys } = batch
    const asRead = (epoch: string): Sql => sql`${raw(epoch)} < j.e AND ${raw(epoch)} <= ${was}`
    await this.#run(claimTombstones(entity, keys, to.owner, { where: asRead('d.epoch') }))
    const tells = to.owner === 'dynamo' && mayBeUntold(entity)
    await this.#claimRows(batch, to, { where: asRead(recordNames(entity).epoch), tells })
  }

  /** The content comes first, as a mirrored change does, while the record is still DynamoDB's. */
  async take(entity: Entity, last: KeyRecord, to: Authority): Promise<KeyRecord> {
    const { key } = last
    const { epoch, version } = recordNames(entity)
    let batch = await this.#batchOf(entity, key, to, last.version)
    if (last.state !== 'absent') {
      const change = changeOfClaim(entity, last, to)
      const { refused, overruled } = await this.#parts.sink.applyIsolating(entity.name, [change])
      if (refused[0]) throw refused[0].error
      if (overruled.length > 0) {
        const now = await this.read(entity, key)
        // Somebody has completed this very move, or begun a later one.
        return now.epoch >= to.epoch ? now : this.#keep(batch, to)
      }
      // The row may have been made only now.
      batch = await withKnownIds(this.#db, batch)
    }
    if (last.state === 'absent') await this.#run(claimAbsent(entity, batch.keys, batch.lookup, to.owner))
    await this.#run(
      claimTombstones(entity, batch.keys, to.owner, {
        where: sql`d.epoch < j.e AND d.version <= j.v`,
      }),
    )
    if (last.state === 'held')
      await this.#claimRows(batch, to, {
        where: raw(`${epoch} < j.e AND ${version} = j.v`),
      })
    const now = await this.read(entity, key)
    return now.epoch >= to.epoch ? now : this.#keep(batch, to)
  }

  /**
   * Says anew of a key that it is this store's, where it is: there is nothing later than what it has accepted.
   *
   * @throws ClaimConflictError where it is not
   */
  async #keep(batch: Batch, to: Authority): Promise<KeyRecord> {
    const { entity, keys } = batch
    const { owner, epoch } = recordNames(entity)
    const [change] = batch.changes
    await this.#run(
      claimTombstones(entity, keys, to.owner, { where: sql`d.epoch < j.e AND NOT (d.owner <=> 'dynamo')` }),
    )
    await this.#claimRows(batch, to, {
      where: raw(`${epoch} < j.e AND NOT (${owner} <=> 'dynamo')`),
    })
    const now = await this.read(entity, change?.key ?? '')
    if (now.epoch < to.epoch) throw new ClaimConflictError(entity)
    return now
  }

  async insist(entity: Entity, key: string, to: Authority, above: Version): Promise<KeyRecord> {
    const batch = await this.#batchOf(entity, key, to, above)
    await this.#run(claimTombstones(entity, batch.keys, to.owner, { raised: true }))
    await this.#run(claimAbsent(entity, batch.keys, batch.lookup, to.owner))
    await this.#claimRows(batch, to, { raised: true })
    return this.read(entity, key)
  }

  async restore(entity: Entity, key: string, epoch: Epoch): Promise<void> {
    const own: Authority = { owner: this.side, epoch }
    const batch = await this.#batchOf(entity, key, own)
    await this.#run(claimTombstones(entity, batch.keys, own.owner, { where: sql`d.epoch = j.e` }))
    await this.#claimRows(batch, own, { where: raw(`${recordNames(entity).epoch} = j.e`) })
  }

  /**
   * Waits for a function of the team's own that is writing the key: whoever calls it from now on meets the record as it has been
   * made, and what was called before may still change the row.
   *
   * @throws CallUnderWayError
   */
  async #requireNoCall(entity: Entity, asked: ReturnType<typeof selectNumber>): Promise<void> {
    if (entity.legacyFunction === undefined) return
    const { rows } = await asked.execute(this.#db)
    if (Number(rows[0]?.n ?? 0) > 0) throw new CallUnderWayError(entity)
  }

  async #isLogged(entity: Entity, key: string): Promise<boolean> {
    const { rows } = await sql<{
      readonly is: unknown
    }>`SELECT ${isLogged(entity, sql`${key}`)} AS ${sql.ref('is')}`.execute(this.#db)
    return Number(rows[0]?.is) === 1
  }

  async #areOwnersKnown({ name }: Entity): Promise<boolean> {
    return (await readOwners(this.#db)).has(name)
  }

  /** The row's record, which is made where there is none: what it says then is what the row has counted as. */
  async #claimRows(
    { entity, keys, lookup }: Batch,
    { owner }: Authority,
    how: Pick<RowClaim, 'raised' | 'tells' | 'where'> = {},
  ): Promise<void> {
    if (isBeside(entity)) {
      await this.#run(enrol(entity, keys))
      await this.#run(claimRows(entity, keys, lookup, { owner, unchanged: [], ...how }))
      await this.#run(claimRecords(entity, keys, { owner, unchanged: [], ...how }))
      return
    }
    const unchanged = await this.#parts.catalogue.setOnUpdate(entity.table)
    await this.#run(claimRows(entity, keys, lookup, { owner, unchanged, ...how }))
  }

  async #batchOf(entity: Entity, key: string, to: Authority, version?: Version): Promise<Batch> {
    return withKnownIds(this.#db, batchOf(entity, key, to, version))
  }

  async #run(statement: Sql): Promise<void> {
    await statement.execute(this.#db)
  }
}

/** One key with the epoch of a move, as the statements' document. */
const batchOf = (entity: Entity, key: string, { epoch }: Authority, version: Version = 0n): Batch => {
  const at = new Date().toISOString()
  const change: Change = { entity: entity.name, key, op: 'delete', version, epoch, source: 'claim', at }
  const [batch] = toBatches(entity, [change], 'dynamo')
  if (batch === undefined) throw new TypeError('A change makes a batch')
  return batch
}
