import { judge, judgeDelete } from '../../../../../functions/bridge/aurora/judge.ts'
import type { Standing } from '../../../../../functions/bridge/aurora/standing.ts'
import {
  type Change,
  coalesce,
  holdsAll,
  type Intent,
  settle,
} from '../../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import {
  nothingApplied,
  type Overruled,
  type PartialOutcome,
  UnsettledError,
} from '../../../../../functions/bridge/model/outcome.ts'
import type { Authority, Epoch } from '../../../../../functions/bridge/model/owner.ts'
import { ClaimConflictError } from '../../../../../functions/bridge/ports/claim-errors.ts'
import type { KeyRecord, KeyRecords } from '../../../../../functions/bridge/ports/key-records.ts'
import type { Sink } from '../../../../../functions/bridge/ports/sink.ts'
import {
  KeyExistsError,
  matches,
  NoSuchKeyError,
  NotTheOwnerError,
  StaleVersionError,
} from '../../../../../functions/bridge/ports/store.ts'
import type { Stored } from '../../../../../functions/bridge/ports/stored.ts'
import { AuroraStatements, inDecimal } from './aurora-statements.ts'
import type { Parts, Work } from './state.ts'

/** Aurora in memory, of one key of an entity whose keys are natural: all that production asks of it. */
export class FakeAurora {
  readonly #entity: Entity
  readonly #parts: Parts
  readonly #sql: AuroraStatements

  constructor(entity: Entity, parts: Parts) {
    this.#entity = entity
    this.#parts = parts
    this.#sql = new AuroraStatements(parts)
  }

  get records(): KeyRecords {
    const { atOnce, run } = this.#parts
    return {
      side: 'aurora',
      read: (_, key) => atOnce('aurora.read', () => this.#read(key)),
      release: (_, key, to, { was }) => run('aurora.release', this.#release(key, to, was)),
      take: (_, last, to) => run('aurora.take', this.#take(last, to)),
      restore: (_, __, epoch) => atOnce('aurora.restore', () => this.#restore(epoch)),
    }
  }

  /** What the API's store does with a write. */
  write(change: Change | Intent): Promise<Stored | undefined> {
    return this.#parts.run(
      'aurora.write',
      change.version === 'next' ? this.#rewrite(change) : this.#create(change),
    )
  }

  get sink(): Sink {
    const { atOnce, run } = this.#parts
    return {
      names: [this.#entity.name],
      applyIsolating: (_, changes) => run('aurora.apply', this.#apply(changes)),
      isLater: (change) => atOnce('aurora.isLater', () => this.#isLater(change)),
    }
  }

  /** A legacy program's UPDATE; the trigger that asks for the owner is to come. */
  plainUpdate(title: string): Promise<void> {
    return this.#parts.atOnce('aurora.plain', () => this.#plainUpdate(title))
  }

  #plainUpdate(title: string): void {
    const { row } = this.#sql
    if (row === undefined || (row.owner === 'dynamo' && !this.#parts.out.has('trigger'))) return
    this.#parts.stores.row = { ...row, row: { ...row.row, title }, version: row.version + 1n }
    this.#parts.accepted(title)
  }

  #read(key: string): KeyRecord {
    return this.#record(key)
  }

  #record(key: string): KeyRecord {
    const { row, tombstone } = this.#sql
    if (row !== undefined) return { key, state: 'held', ...row }
    if (tombstone === undefined) return { key, ...ABSENT, owner: 'aurora', epoch: 0n }
    const { owner, epoch, version } = tombstone
    return version === 0n ? { key, ...ABSENT, owner, epoch } : { key, state: 'deleted', ...tombstone }
  }

  *#release(key: string, to: Authority, was: Epoch): Work<KeyRecord> {
    if (!this.#parts.out.has('fence')) {
      this.#sql.claimAbsent(to, was)
      yield
      this.#sql.releaseTombstone(to, was)
      yield
      this.#sql.releaseRow(to, was)
      yield
    }
    const record = this.#record(key)
    return this.#parts.out.has('fence') ? { ...record, ...to } : record
  }

  *#take(last: KeyRecord, to: Authority): Work<KeyRecord> {
    const { key } = last
    if (last.state !== 'absent') {
      const { overruled } = yield* this.#apply([changeOf(this.#entity, last, to)])
      yield overruled.length
      if (overruled.length > 0) {
        const now = this.#record(key)
        if (now.epoch >= to.epoch) return now
        if (!this.#parts.out.has('content-in-claim')) return yield* this.#keep(key, to)
      }
    } else {
      this.#sql.claimAbsent(to)
      yield
    }
    this.#sql.claimTombstone(to, ({ version }) => version <= last.version)
    if (last.state === 'held') {
      yield
      this.#sql.claimRow(
        to,
        ({ version }) => version === last.version || this.#parts.out.has('content-in-claim'),
      )
    }
    yield
    const now = this.#record(key)
    return now.epoch >= to.epoch ? now : yield* this.#keep(key, to)
  }

  *#keep(key: string, to: Authority): Work<KeyRecord> {
    yield
    if (!this.#parts.out.has('owner-in-take')) this.#sql.keep(to)
    yield
    const now = this.#record(key)
    if (now.epoch < to.epoch) throw new ClaimConflictError(this.#entity)
    return now
  }

  #restore(epoch: Epoch): void {
    this.#sql.restore(epoch)
  }

  *#create(wish: Change): Work<Stored | undefined> {
    if (wish.op !== 'upsert') throw new TypeError('A create carries a row')
    const { tombstone } = this.#sql
    if (tombstone?.owner === 'dynamo' && !this.#parts.out.has('owner-in-write'))
      throw new NotTheOwnerError(this.#entity, wish.key, 'dynamo')
    const change =
      tombstone === undefined
        ? wish
        : {
            ...wish,
            version: tombstone.version < wish.version ? wish.version : tombstone.version + 1n,
            epoch: tombstone.epoch,
          }
    yield [tombstone?.version, tombstone?.epoch]
    const { row } = this.#sql
    if (row !== undefined) {
      if (row.owner === 'dynamo' && !this.#parts.out.has('owner-in-write'))
        throw new NotTheOwnerError(this.#entity, wish.key, 'dynamo')
      throw new KeyExistsError(this.#entity)
    }
    if (this.#sql.insertMissing(change, 'aurora') === 0) throw this.#lost(wish.key)
    this.#parts.accepted(titleOf(wish))
    return this.#stored(wish.key)
  }

  *#rewrite(intent: Intent): Work<Stored | undefined> {
    const { row } = this.#sql
    if (row === undefined) throw new NoSuchKeyError(this.#entity)
    if (row.owner === 'dynamo' && !this.#parts.out.has('owner-in-write'))
      throw new NotTheOwnerError(this.#entity, intent.key, 'dynamo')
    if (!matches(intent.ifMatch, row.version)) throw new StaleVersionError(this.#entity)
    const change = settle(intent, row.version)
    yield row.version
    if (change.op === 'delete') {
      this.#sql.bury(change, 'aurora')
      yield
      if (this.#sql.deleteOlder(change, 'aurora') === 0) throw this.#lost(intent.key)
      this.#parts.accepted(undefined)
      return undefined
    }
    if (this.#sql.updateOlder(change, 'aurora') === 0) throw this.#lost(intent.key)
    this.#parts.accepted(titleOf(change))
    return this.#stored(intent.key)
  }

  /** Another one was faster. */
  #lost(key: string): Error {
    return (this.#sql.row ?? this.#sql.tombstone)?.owner === 'dynamo'
      ? new NotTheOwnerError(this.#entity, key, 'dynamo')
      : new StaleVersionError(this.#entity)
  }

  #stored(key: string): Stored | undefined {
    const { row } = this.#sql
    return row && { key, row: row.row, version: row.version, updatedAt: row.at }
  }

  #isLater(change: Change): boolean {
    const { row } = this.#sql
    return row === undefined ? change.op === 'upsert' : row.version > change.version
  }

  *#apply(changes: readonly Change[]): Work<PartialOutcome> {
    const [change] = coalesce(changes)
    if (change === undefined) return nothingApplied
    return change.op === 'delete' ? yield* this.#delete(change) : yield* this.#upsert(change, changes)
  }

  *#delete(change: Change): Work<PartialOutcome> {
    this.#sql.bury(change, 'dynamo')
    yield
    if (this.#sql.deleteOlder(change, 'dynamo') > 0) return { ...nothingApplied, applied: 1 }
    yield
    const { row } = this.#sql
    if (row === undefined) return { ...nothingApplied, skipped: 1 }
    const judged = judgeDelete(this.#entity, change, { held: inDecimal(row.version), ...told(row) }, 'dynamo')
    if (judged.is !== 'overruled') throw new UnsettledError('A row came back while it was deleted')
    return { ...nothingApplied, skipped: 1, overruled: [judged.overruled] }
  }

  *#upsert(change: Change & { op: 'upsert' }, all: readonly Change[]): Work<PartialOutcome> {
    const isNew = all.some(({ version }) => version === 1n)
    for (let round = 1; round <= 4; round++) {
      if (!isNew || round > 1) {
        if (this.#sql.updateOlder(change, 'dynamo') > 0) return { ...nothingApplied, applied: 1 }
        yield
      }
      if (isNew || round > 1) {
        if (this.#sql.insertMissing(change, 'dynamo') > 0) return { ...nothingApplied, applied: 1 }
        yield
      }
      const standing = this.#standing(change)
      if (standing === undefined) return { ...nothingApplied, skipped: 1 }
      const judged = judge(this.#entity, change, standing, 'dynamo')
      if (judged.is === 'overruled')
        return { ...nothingApplied, skipped: 1, ...this.#looked(judged.overruled) }
      yield standing
    }
    throw new UnsettledError('Changes did not settle')
  }

  /** What stands against a change; undefined where it is what the store holds. */
  #standing(change: Change & { op: 'upsert' }): Standing | undefined {
    const { row, tombstone } = this.#sql
    if (row?.version === change.version && holdsAll(row.row, change.row)) return undefined
    return {
      ...{ k: change.key, taken: 0, missing: 0, own: 0 },
      ...{ held: inDecimal(row?.version), gone: inDecimal(tombstone?.version) },
      ...told(row ?? tombstone),
    }
  }

  #looked(overruled: Overruled): Pick<PartialOutcome, 'overruled'> {
    const row = this.#sql.row?.row
    return { overruled: [{ ...overruled, held: { ...overruled.held, row: async () => row } }] }
  }
}

const ABSENT = { state: 'absent', version: 0n, at: null } as const

const told = (record: Authority | undefined) => ({
  owner: record?.owner === 'dynamo' ? 'dynamo' : null,
  epoch: record === undefined ? null : String(record.epoch),
  known: 1,
  free: 0,
})

export const titleOf = (change: Change | Intent): string | undefined =>
  change.op === 'upsert' ? String(change.row.title) : undefined

/** The other side's last record as the mirrored change that it would have been before the move. */
const changeOf = (entity: Entity, last: KeyRecord, { epoch }: Authority): Change => {
  const { key, version, at } = last
  const own = { entity: entity.name, key, version, epoch: epoch - 1n, source: 'claim', at: at ?? '' }
  return last.state === 'held' ? { ...own, op: 'upsert', row: last.row } : { ...own, op: 'delete' }
}
