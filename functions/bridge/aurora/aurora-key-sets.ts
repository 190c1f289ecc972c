import type { Kysely } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { KeySets, ToRelease } from '../ports/key-sets.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { AuroraSink } from './aurora-sink.ts'
import { type Batch, toBatches } from './batch.ts'
import type { Catalogue } from './catalogue.ts'
import { changeOfClaim } from './claim-change.ts'
import { claimRows, claimTombstones, mayBeUntold, selectLogged } from './claim-statements.ts'
import { freeRows } from './locked-rows.ts'
import { readAuthorities, readRecords } from './many-records.ts'
import { isBeside, recordNames } from './record-names.ts'
import { raw, type Sql } from './statements.ts'

type Parts = {
  readonly db: Kysely<unknown>
  readonly sink: Pick<AuroraSink, 'applyIsolating'>
  readonly catalogue: Catalogue
  readonly deadline: Deadline
}

/**
 * Rows as one side of the claims of many keys. What is plain here is a row that is there, with its record in it, which nobody is
 * writing. The statements commit one by one, as those of a single claim do: whoever dies leaves no lock behind.
 *
 * A statement that others keep waiting all the same, since they came after the look, is given up as a whole: what it would have
 * done is looked for in the records, and left to single claims where it isn't there.
 */
export class AuroraKeySets implements KeySets {
  readonly side = 'aurora'
  readonly #parts: Parts
  /** What it reads may be read again; what it writes may wait, and is not sent again. */
  readonly #reading: Kysely<unknown>

  constructor(parts: Parts) {
    this.#parts = parts
    this.#reading = idempotently(parts.db)
  }

  /** @throws OwnersUnknownError as long as not every record of the entity says whose its key is; DataApiError */
  async read(entity: Entity, keys: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>> {
    if (!areClaimedTogether(entity) || keys.length === 0) return new Map()
    // Before the content, as for one key: what is carried over in between has raised the version.
    const logged = mayBeUntold(entity) ? await this.#logged(entity, keys) : new Set()
    const records = await readRecords(entity, keys, this.#parts)
    return new Map(
      records.flatMap((record) =>
        // Of a row at no version it is known only whose its key is.
        record.state === 'held' && record.version > 0n && !logged.has(record.key)
          ? [[record.key, record] as const]
          : [],
      ),
    )
  }

  async busy(entity: Entity, keys: readonly string[]): Promise<ReadonlySet<string>> {
    const busy = new Set(keys)
    for (const batch of batchesOf(entity, keys.map(unversioned), NO_MOVE))
      for (const key of await freeRows(this.#reading, batch)) busy.delete(key)
    return busy
  }

  async release(
    entity: Entity,
    asked: readonly ToRelease[],
    to: Authority,
  ): Promise<ReadonlyMap<string, KeyRecord>> {
    // The document's version is the move that the record was of when it was read.
    const keys = asked.map(({ record: { key }, as: { was } }) => ({ key, version: was }))
    const asRead = (epoch: string): Sql => raw(`${epoch} < j.e AND ${epoch} <= j.v`)
    const tells = to.owner === 'dynamo' && mayBeUntold(entity)
    for (const batch of batchesOf(entity, keys, to)) {
      await this.#write(claimTombstones(entity, batch.keys, to.owner, { where: asRead('d.epoch') }))
      await this.#claimRows(batch, to, { where: asRead(recordNames(entity).epoch), tells })
    }
    const records = await readRecords(
      entity,
      keys.map(({ key }) => key),
      this.#parts,
    )
    return new Map(
      records.flatMap((record) =>
        record.state === 'held' && isOf(record, to) ? [[record.key, record] as const] : [],
      ),
    )
  }

  /** The content comes first, as a mirrored change does, while the record is still DynamoDB's. */
  async take(entity: Entity, lasts: readonly KeyRecord[], to: Authority): Promise<ReadonlySet<string>> {
    const busy = await this.busy(
      entity,
      lasts.map(({ key }) => key),
    )
    const told = lasts.filter(({ key, state }) => state !== 'absent' && !busy.has(key))
    const changes = new Map(told.map((last) => [changeOfClaim(entity, last, to), last]))
    const { refused, overruled } = await this.#parts.sink.applyIsolating(entity.name, [...changes.keys()])
    for (const { change } of [...refused, ...overruled]) changes.delete(change)
    const taken = [...changes.values()]
    const { epoch, version } = recordNames(entity)
    for (const batch of batchesOf(entity, taken, to))
      await this.#write(
        claimTombstones(entity, batch.keys, to.owner, { where: raw('d.epoch < j.e AND d.version <= j.v') }),
      )
    const held = taken.filter(({ state }) => state === 'held')
    for (const batch of batchesOf(entity, held, to))
      await this.#claimRows(batch, to, { where: raw(`${epoch} < j.e AND ${version} = j.v`) })
    const keys = taken.map(({ key }) => key)
    const now = await readAuthorities(entity, keys, { db: this.#reading })
    return new Set(now.flatMap((record) => (isOf(record, to) ? [record.key] : [])))
  }

  async #claimRows(
    { entity, keys, lookup }: Batch,
    { owner }: Authority,
    how: { readonly where: Sql; readonly tells?: boolean },
  ): Promise<void> {
    const unchanged = await this.#parts.catalogue.setOnUpdate(entity.table)
    await this.#write(claimRows(entity, keys, lookup, { owner, unchanged, ...how }))
  }

  /**
   * Not again, where others have kept it waiting, a trigger of one row's refuses it, or nothing is known of it: the records tell what
   * it has done.
   */
  async #write(statement: Sql): Promise<void> {
    try {
      await statement.execute(this.#parts.db)
    } catch (error) {
      if (!(error instanceof BridgeError) || error.kind === 'configuration') throw error
    }
  }

  async #logged(entity: Entity, keys: readonly string[]): Promise<ReadonlySet<unknown>> {
    const { rows } = await selectLogged(entity, keys).execute(this.#reading)
    return new Set(rows.map(({ k }) => k))
  }
}

/** Whether an entity's keys can be claimed together: others have records beside their rows, or a function that writes them. */
export const areClaimedTogether = (entity: Entity): boolean =>
  !isBeside(entity) && entity.legacyFunction === undefined

const isOf = (record: Authority, { owner, epoch }: Authority): boolean =>
  record.owner === owner && record.epoch === epoch

const NO_MOVE: Authority = { owner: 'dynamo', epoch: 0n }
const unversioned = (key: string) => ({ key, version: 0n })

/** Keys with the epoch of a move, and a version each, as the statements' documents. */
const batchesOf = (
  entity: Entity,
  keys: readonly { readonly key: string; readonly version: Version }[],
  { epoch }: Authority,
): readonly Batch[] => {
  const at = new Date().toISOString()
  const changes = keys.map(
    ({ key, version }): Change => ({
      ...{ entity: entity.name, key, op: 'delete', version, epoch, source: 'claim', at },
    }),
  )
  return toBatches(entity, changes, 'dynamo')
}
