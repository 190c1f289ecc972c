import type { KeyPart } from '../model/attributes/attribute.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { legacyIdOf } from '../model/key.ts'
import type { Owner } from '../model/owner.ts'
import { joinRows, toDocumentRow, toKeyRow } from './document.ts'
import { hasOwnKey, type IdOf, idOfDigits } from './part-sql.ts'
import type { Lookup } from './record-place.ts'

/**
 * Bytes of JSON in one statement. The service takes 4 MiB a request; the document stands in it as a JSON string, so
 * its quotes are escaped once more.
 */
const LARGEST_DOCUMENT = 3_500_000

type Entry = { readonly change: Change; readonly row: string }

/** The key of a counted row that has its record beside it, with the name of its entity. */
type NameBeside = readonly [entity: string, key: string]

/** Changes of one entity, one per key, whose document fits into one request. */
export class Batch {
  readonly entity: Entity
  readonly changes: readonly Change[]
  /** The store whose writes they are. */
  readonly by: Owner
  readonly #entries: readonly Entry[]
  readonly #idOf: IdOf
  #set: ReadonlySet<Change> | undefined
  #document: string | undefined
  #keys: string | undefined
  #lookup: Lookup | undefined

  /** @param idOf by which ids the rows of keys may be found */
  constructor(entity: Entity, entries: readonly Entry[], by: Owner, idOf: IdOf = idOfDigits) {
    this.entity = entity
    this.by = by
    this.changes = entries.map(({ change }) => change)
    this.#entries = entries
    this.#idOf = idOf
  }

  /** The keys in it whose rows' ids only records beside these know. */
  get namesBeside(): readonly NameBeside[] {
    const names = new Map<string, NameBeside>()
    const note: IdOf = ({ entity, record }, key) => {
      if (record === 'sideTable') names.set(JSON.stringify([entity, key]), [entity, key])
      return null
    }
    if (namesCountedBeside(this.entity) > 0)
      for (const { change } of this.#entries) toDocumentRow(this.entity, change, note)
    return [...names.values()]
  }

  /** The same with ids that are known. @param known the id of the row of an entity's key, if there is one */
  knowing(known: (entity: string, key: string) => string | undefined): Batch {
    const idOf: IdOf = (of, key) => known(of.entity, key) ?? idOfDigits(of, key)
    const entries = this.changes.map((change) => ({ change, row: toDocumentRow(this.entity, change, idOf) }))
    return new Batch(this.entity, entries, this.by, idOf)
  }

  /** Whether a change is in it. */
  has(change: Change): boolean {
    this.#set ??= new Set(this.changes)
    return this.#set.has(change)
  }

  /** The rows as the statements read them, with all values. */
  get document(): string {
    this.#document ??= joinRows(this.#entries.map(({ row }) => row))
    return this.#document
  }

  /** Keys and versions only: for statements that need no values. */
  get keys(): string {
    this.#keys ??= joinRows(this.changes.map((change) => toKeyRow(this.entity, change, this.#idOf)))
    return this.#keys
  }

  /** By which ids the rows of its keys may be found. */
  get idOf(): IdOf {
    return this.#idOf
  }

  get lookup(): Lookup {
    this.#lookup ??= hasOwnKey(this.entity) ? 'keys' : lookupOf(this.changes)
    return this.#lookup
  }

  /** The part of it that a test picks. */
  only(test: (change: Change) => boolean): Batch {
    return new Batch(
      this.entity,
      this.#entries.filter(({ change }) => test(change)),
      this.by,
      this.#idOf,
    )
  }

  /** It in as many parts as it takes. @param size of each, at most */
  parts(size: number): Batch[] {
    return Array.from({ length: Math.ceil(this.#entries.length / size) }, (_, at) => {
      const entries = this.#entries.slice(at * size, (at + 1) * size)
      return new Batch(this.entity, entries, this.by, this.#idOf)
    })
  }

  /** Each of its changes as a batch of its own. */
  each(): Batch[] {
    return this.#entries.map((entry) => new Batch(this.entity, [entry], this.by, this.#idOf))
  }

  /** Its two halves, the first the larger one. */
  halves(): readonly [Batch, Batch] {
    const middle = Math.ceil(this.#entries.length / 2)
    return [
      new Batch(this.entity, this.#entries.slice(0, middle), this.by, this.#idOf),
      new Batch(this.entity, this.#entries.slice(middle), this.by, this.#idOf),
    ]
  }
}

/** Cuts changes into batches. One change always fits: an item has 400 KB at most. */
export const toBatches = (entity: Entity, changes: readonly Change[], by: Owner): Batch[] => {
  const parts: Entry[][] = []
  let size = Number.POSITIVE_INFINITY
  const room = namesCountedBeside(entity) * ID_ROOM
  for (const change of changes) {
    const row = toDocumentRow(entity, change)
    const bytes = escapedBytes(row) + room
    if (size + bytes > LARGEST_DOCUMENT) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push({ change, row })
    size += bytes
  }
  return parts.map((entries) => new Batch(entity, entries, by))
}

/** Bytes of a row in the request, whose own JSON escapes quotes and backslashes once more. */
const escapedBytes = (row: string): number => {
  let escapes = 0
  for (let at = 0; at < row.length; at++) {
    const unit = row.charCodeAt(at)
    if (unit === QUOTE || unit === BACKSLASH) escapes += 1
  }
  return Buffer.byteLength(row) + escapes + 1
}
const [QUOTE, BACKSLASH] = [0x22, 0x5c]

/** What an id takes that isn't known yet, where `null` stands now. */
const ID_ROOM = 20

/** In how many places an entity's rows name counted rows, itself included, that have their records beside them. */
const namesCountedBeside = (entity: Entity): number => {
  const counted = (parts: readonly KeyPart[]): number =>
    parts.filter(({ counted: of }) => of?.record === 'sideTable').length
  const own = hasOwnKey(entity) ? counted(entity.keyParts) : Number(entity.record === 'sideTable')
  const others = Object.values(entity.attributes).map(({ references }) => {
    if (references === undefined) return 0
    const { keyParts, record } = references
    return keyParts.length > 0 ? counted(keyParts) : Number(record === 'sideTable')
  })
  return others.reduce((sum, one) => sum + one, own)
}

const lookupOf = (changes: readonly Change[]): Lookup =>
  changes.some(({ key }) => legacyIdOf(key) !== undefined) ? 'ids' : 'keys'
