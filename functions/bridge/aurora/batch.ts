import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { legacyIdOf } from '../model/key.ts'
import type { Owner } from '../model/owner.ts'
import { joinRows, toDocumentRow, toKeyRow } from './document.ts'
import { hasOwnKey } from './row-key.ts'
import type { Lookup } from './statements.ts'

/**
 * Bytes of JSON in one statement. The service takes 4 MiB a request; the document stands in it as a JSON string, so
 * its quotes are escaped once more.
 */
const LARGEST_DOCUMENT = 3_500_000

type Entry = { readonly change: Change; readonly row: string }

/** Changes of one entity, one per key, whose document fits into one request. */
export class Batch {
  readonly entity: Entity
  readonly changes: readonly Change[]
  /** The store whose writes they are. */
  readonly by: Owner
  readonly #entries: readonly Entry[]
  #document: string | undefined
  #keys: string | undefined
  #lookup: Lookup | undefined

  constructor(entity: Entity, entries: readonly Entry[], by: Owner) {
    this.entity = entity
    this.by = by
    this.changes = entries.map(({ change }) => change)
    this.#entries = entries
  }

  /** The rows as the statements read them, with all values. */
  get document(): string {
    this.#document ??= joinRows(this.#entries.map(({ row }) => row))
    return this.#document
  }

  /** Keys and versions only: for statements that need no values. */
  get keys(): string {
    this.#keys ??= joinRows(this.changes.map((change) => toKeyRow(this.entity, change)))
    return this.#keys
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
    )
  }

  /** Each of its changes as a batch of its own. */
  each(): Batch[] {
    return this.#entries.map((entry) => new Batch(this.entity, [entry], this.by))
  }

  /** Its two halves, the first the larger one. */
  halves(): readonly [Batch, Batch] {
    const middle = Math.ceil(this.#entries.length / 2)
    return [
      new Batch(this.entity, this.#entries.slice(0, middle), this.by),
      new Batch(this.entity, this.#entries.slice(middle), this.by),
    ]
  }
}

/** Cuts changes into batches. One change always fits: an item has 400 KB at most. */
export const toBatches = (entity: Entity, changes: readonly Change[], by: Owner): Batch[] => {
  const parts: Entry[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const change of changes) {
    const row = toDocumentRow(entity, change)
    const bytes = escapedBytes(row)
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
const escapedBytes = (row: string): number => Buffer.byteLength(row) + (row.match(/["\\]/g)?.length ?? 0) + 1

const lookupOf = (changes: readonly Change[]): Lookup =>
  changes.some(({ key }) => legacyIdOf(key) !== undefined) ? 'ids' : 'keys'
