import type { Item } from '../../../../../functions/bridge/drivers/dynamo/items.ts'
import { authorityOf, isTombstone, kept, RECORD } from '../../../../../functions/bridge/dynamo/authority.ts'
import { itemToChange } from '../../../../../functions/bridge/dynamo/entity-reader.ts'
import { toItem, toStored } from '../../../../../functions/bridge/dynamo/items.ts'
import {
  authorityAttributes as attributes,
  toTombstone,
} from '../../../../../functions/bridge/dynamo/tombstone.ts'
import {
  type Change,
  holdsAll,
  type Intent,
  type Version,
} from '../../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import type { Authority, Epoch } from '../../../../../functions/bridge/model/owner.ts'
import { decodeItem } from '../../../../../functions/bridge/model/values.ts'
import { ClaimConflictError, UndecidedError } from '../../../../../functions/bridge/ports/claim-errors.ts'
import type { AsRead, KeyRecord, KeyRecords } from '../../../../../functions/bridge/ports/key-records.ts'
import type { Lifting, Source, Subject } from '../../../../../functions/bridge/ports/source.ts'
import {
  KeyExistsError,
  matches,
  NoSuchKeyError,
  NotTheOwnerError,
  StaleVersionError,
} from '../../../../../functions/bridge/ports/store.ts'
import type { Stored } from '../../../../../functions/bridge/ports/stored.ts'
import { titleOf } from './fake-aurora.ts'
import type { Parts, Work } from './state.ts'

/** DynamoDB in memory, of one key, with the records that its stream has of it. */
export class FakeDynamo {
  readonly #entity: Entity
  readonly #parts: Parts

  constructor(entity: Entity, parts: Parts) {
    this.#entity = entity
    this.#parts = parts
  }

  get records(): KeyRecords {
    const { atOnce, run } = this.#parts
    return {
      side: 'dynamo',
      read: (_, key) => atOnce('dynamo.read', () => this.#read(key)),
      release: (_, key, to, as) => run('dynamo.release', this.#release(key, to, as)),
      take: (_, last, to) => run('dynamo.take', this.#take(last, to)),
      restore: (_, __, epoch) => atOnce('dynamo.restore', () => this.#restore(epoch)),
    }
  }

  get source(): Source {
    const { atOnce } = this.#parts
    return {
      current: (subject) => atOnce('dynamo.current', () => this.#current(subject)),
      lift: (change, above, under) => atOnce('dynamo.lift', () => this.#lift(change, above, under)),
    }
  }

  /** What the API's store does with a write: one conditional call. */
  write(change: Change | Intent): Promise<Stored | undefined> {
    const { atOnce, run } = this.#parts
    return change.version === 'next'
      ? atOnce('dynamo.write', () => this.#rewrite(change))
      : run('dynamo.write', this.#create(change))
  }

  /** A plain PutItem of somebody who asks nobody, at version 1. @param isOwn whether it counts as a write of DynamoDB's */
  plainPut(change: Change, isOwn: boolean): Promise<void> {
    return this.#parts.atOnce('dynamo.plain', () => this.#plainPut(change, isOwn))
  }

  #plainPut(change: Change, isOwn: boolean): void {
    if (change.op !== 'upsert') throw new TypeError('A put carries a row')
    this.#set(toItem(this.#entity, change, change.row))
    if (isOwn) this.#parts.accepted(titleOf(change))
  }

  get #item(): Item | undefined {
    return this.#parts.stores.item
  }

  #set(after: Item | undefined): void {
    const { stores } = this.#parts
    const before = stores.item
    stores.item = after
    stores.records = [...stores.records, { before, after }]
  }

  #read(key: string): KeyRecord {
    return this.#record(key)
  }

  #record(key: string, item = this.#item): KeyRecord {
    if (item === undefined) return { key, state: 'absent', version: 0n, at: null, owner: 'dynamo', epoch: 0n }
    const authority = authorityOf(item)
    const at = item[RECORD.deleted]?.S ?? null
    if (isTombstone(item)) {
      const version = BigInt(item.version?.N ?? '0')
      return version === 0n
        ? { key, state: 'absent', version: 0n, at, ...authority }
        : { key, state: 'deleted', version, at, ...authority }
    }
    const { row, version, updatedAt } = toStored(this.#entity, item)
    return { key, state: 'held', row, version, at: updatedAt, ...authority }
  }

  *#release(key: string, to: Authority, { above, was }: AsRead): Work<KeyRecord> {
    const { out } = this.#parts
    if (this.#parts.out.has('fence')) return { ...this.#record(key), ...to }
    if (to.epoch === 0n && this.#parts.out.has('known-absence')) return this.#record(key)
    for (;;) {
      const item = this.#item
      yield item
      if (item === undefined) {
        if (above === undefined) throw new UndecidedError(this.#entity)
        if (this.#item !== undefined) continue
        const tombstone = toTombstone(this.#entity, { key, version: above, at: AT }, to, new Date(AT))
        this.#set({ ...tombstone, [RECORD.mirrored]: { N: String(above) } })
        return this.#record(key)
      }
      const isEarlier = (epoch: Epoch): boolean =>
        (epoch < to.epoch || out.has('epoch-in-claim')) && (epoch <= was || out.has('epoch-as-read'))
      if (!isEarlier(authorityOf(item).epoch)) return this.#record(key, item)
      if (this.#assign(to, isEarlier)) return this.#record(key)
    }
  }

  *#take(last: KeyRecord, to: Authority): Work<KeyRecord> {
    const { key } = last
    const { out } = this.#parts
    for (;;) {
      const item = this.#item
      const record = this.#record(key)
      yield item
      if (item !== undefined && record.epoch >= to.epoch && !out.has('epoch-in-claim')) return record
      if (item !== undefined && record.owner === 'dynamo' && !out.has('owner-in-take')) {
        const isEarlier = (epoch: Epoch) => epoch < to.epoch || out.has('epoch-in-claim')
        if (this.#record(key).owner === 'dynamo' && this.#assign(to, isEarlier)) return this.#record(key)
        continue
      }
      if (isBeyond(record, last) && !out.has('content-in-claim')) throw new ClaimConflictError(this.#entity)
      if (item === undefined && last.state === 'held' && !out.has('known-absence'))
        throw new UndecidedError(this.#entity)
      if (item === undefined && last.version === 0n) return { ...record, ...to }
      // What was read is still what counts of it.
      if (!isSameRecord(item, this.#item)) continue
      this.#set(toNext(this.#entity, last, to))
      return this.#record(key)
    }
  }

  #restore(epoch: Epoch): void {
    this.#assign({ owner: 'dynamo', epoch }, (own) => own === epoch)
  }

  #assign({ owner, epoch }: Authority, where: (epoch: Epoch) => boolean): boolean {
    const item = this.#item
    if (item === undefined || !where(authorityOf(item).epoch)) return false
    const { [RECORD.expires]: expires, ...others } = item
    const isKept = owner === 'dynamo' && expires !== undefined
    this.#set({ ...others, ...(isKept && { [RECORD.expires]: expires }), ...attributes({ owner, epoch }) })
    return true
  }

  #isOurs(item: Item): boolean {
    return authorityOf(item).owner === 'dynamo' || this.#parts.out.has('owner-in-write')
  }

  *#create(wish: Change): Work<Stored> {
    if (wish.op !== 'upsert') throw new TypeError('A create carries a row')
    const item = this.#item
    if (item !== undefined) {
      if (!this.#isOurs(item)) throw new NotTheOwnerError(this.#entity, wish.key, 'aurora')
      if (!isTombstone(item)) throw new KeyExistsError(this.#entity)
      yield item
      if (!isSameRecord(item, this.#item)) throw new KeyExistsError(this.#entity)
    }
    const version = BigInt(item?.version?.N ?? '0') + 1n
    const change = { ...wish, version }
    this.#set({ ...toItem(this.#entity, change, wish.row), ...(item && kept(item)) })
    this.#parts.accepted(titleOf(wish))
    return { key: wish.key, row: wish.row, version, updatedAt: wish.at }
  }

  #rewrite(intent: Intent): Stored | undefined {
    const item = this.#item
    if (item === undefined || isTombstone(item)) throw new NoSuchKeyError(this.#entity)
    if (!this.#isOurs(item)) throw new NotTheOwnerError(this.#entity, intent.key, 'aurora')
    const { version } = toStored(this.#entity, item)
    if (!matches(intent.ifMatch, version)) throw new StaleVersionError(this.#entity)
    this.#parts.accepted(titleOf(intent))
    if (intent.op === 'delete') {
      const isMoved =
        (this.#entity.tombstones === 'item' || item[RECORD.epoch] !== undefined) &&
        !this.#parts.out.has('record-of-delete')
      const tombstone = { key: intent.key, version: version + 1n, at: intent.at }
      this.#set(isMoved ? toTombstone(this.#entity, tombstone, authorityOf(item), new Date(AT)) : undefined)
      return undefined
    }
    const next: Change = { ...intent, version: version + 1n }
    this.#set({ ...item, ...toItem(this.#entity, next, intent.row) })
    return { key: intent.key, row: intent.row, version: next.version, updatedAt: intent.at }
  }

  #current({ entity, key, version, op }: Subject): readonly Change[] {
    const item = this.#item
    if (item === undefined) {
      if (version === undefined) return []
      const deleted = op === 'delete' ? version : version + 1n
      return [{ entity, key, op: 'delete', version: deleted, source: 'stream', at: AT }]
    }
    const isNever = isTombstone(item) && item.version?.N === '0'
    if (authorityOf(item).owner !== 'dynamo' || isNever) return []
    return [itemToChange(this.#entity, key, decodeItem(item, 'plate'), version)]
  }

  #lift(change: Change, above: Version, under?: Epoch): Lifting {
    const { out, stores } = this.#parts
    if (out.has('lift') || (under !== undefined && out.has('source-of-late'))) return 'late'
    const item = this.#item
    const owner = item && authorityOf(item).owner
    if (change.op === 'delete') {
      if (out.has('lift-of-delete')) return 'late'
      if (item === undefined) return 'lifted'
      return owner !== 'dynamo' ? 'kept' : isTombstone(item) ? 'lifted' : 'late'
    }
    const own = stores.records.findLast(({ after }) => after !== undefined && isOf(change, after))
    const isNormal = own !== undefined && Number(own.before?.version?.N ?? 0) < Number(change.version)
    if (isNormal && out.has('lift-whatever-the-record')) return 'late'
    const isOurs = owner === 'dynamo' || (item !== undefined && out.has('owner-in-lift'))
    const next = under === undefined || above >= change.version ? above + 1n : change.version
    const version = { N: String(next) }
    if (out.has('version-in-lift') && isOurs && item !== undefined) {
      this.#set({ ...item, ...toItem(this.#entity, { ...change, version: above + 1n }, change.row) })
      return 'lifted'
    }
    if (item === undefined || isTombstone(item)) return 'late'
    if (!isOurs) return 'kept'
    if (item.version?.N !== String(change.version)) return 'late'
    if (under !== undefined && authorityOf(item).epoch >= under) return 'late'
    const stamped = under === undefined ? {} : attributes({ owner: 'dynamo', epoch: under })
    this.#set({ ...item, version, ...stamped })
    return 'lifted'
  }
}

/** When all of it happens. */
export const AT = '2026-11-22T03:00:00.000Z'

const isOf = (change: Change, item: Item): boolean =>
  item.version?.N === String(change.version) && item.title?.S === titleOf(change)

const isSameRecord = (one: Item | undefined, other: Item | undefined): boolean =>
  (one === undefined) === (other === undefined) &&
  ['version', RECORD.owner, RECORD.epoch, RECORD.deleted].every(
    (name) => JSON.stringify(one?.[name]) === JSON.stringify(other?.[name]),
  )

const isBeyond = (here: KeyRecord, last: KeyRecord): boolean => {
  if (here.version !== last.version) return here.version > last.version
  if (here.state === 'held' && last.state === 'held') return !holdsAll(here.row, last.row)
  return here.state !== last.state && here.version > 0n
}

const toNext = (entity: Entity, last: KeyRecord, to: Authority): Item => {
  if (last.state !== 'held') return toTombstone(entity, { ...last, at: last.at ?? AT }, to, new Date(AT))
  const { key, version, row } = last
  const change: Change = {
    entity: entity.name,
    key,
    op: 'upsert',
    version,
    row,
    source: 'claim',
    at: last.at ?? AT,
  }
  return { ...toItem(entity, change, row), ...attributes(to) }
}
