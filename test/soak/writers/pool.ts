import type { SoakEntity } from '../ground.ts'
import type { Random } from '../random.ts'
import type { Parent } from './plan.ts'

/** A key that the API made, as its clients know it. */
export type ApiKey = { readonly key: string; version: number }

/** A key that is only written past the API, by one writer at a time, who so knows its version. */
export type RawKey = {
  readonly key: string
  /** The largest version that a write or a delete of it has made. */
  version: bigint
  exists: boolean
  busy: boolean
}

/** What the API has acknowledged of a key. */
export type Acknowledged = { version: number; deleted: boolean; unsure: boolean }

const RAW_KEYS = { chef: 40, recipe: 80 } as const

/** The keys that the writers know of one entity. */
export class Pool {
  readonly live: ApiKey[] = []
  readonly raw: readonly RawKey[]
  readonly acknowledged = new Map<string, Acknowledged>()
  readonly #deleted: string[] = []

  /** @param run keeps the keys of several runs on one stack apart */
  constructor(entity: SoakEntity, run: string) {
    this.raw = Array.from({ length: RAW_KEYS[entity] }, (_, at) => ({
      key: `${run}-${entity}-${at}`,
      version: 0n,
      exists: false,
      busy: false,
    }))
  }

  /** The key at a place, given as a share; the first few are picked most: they are the hot ones. */
  at(share: number): ApiKey | undefined {
    return this.live[Math.floor(share ** 2 * this.live.length)]
  }

  created(key: string): void {
    this.live.push({ key, version: 1 })
    this.acknowledged.set(key, { version: 1, deleted: false, unsure: false })
  }

  written(known: ApiKey, version: number): void {
    known.version = Math.max(known.version, version)
    const entry = this.acknowledged.get(known.key)
    if (entry) entry.version = Math.max(entry.version, version)
  }

  /** @param how `yes`: acknowledged. `perhaps`: its answer never came. `gone`: somebody else did */
  deleted({ key }: ApiKey, how: 'yes' | 'perhaps' | 'gone'): void {
    const at = this.live.findIndex((one) => one.key === key)
    if (at >= 0) this.live.splice(at, 1)
    this.#deleted.push(key)
    if (this.#deleted.length > 200) this.#deleted.shift()
    const entry = this.acknowledged.get(key)
    if (entry && how === 'yes') entry.deleted = true
    if (entry && how === 'perhaps') entry.unsure = true
  }

  /** A key for a recipe to refer to. */
  parent(kind: Parent, random: Random): string {
    const [deleted, known] = [this.#deleted.at(-1), this.at(random.next())]
    if (kind === 'never') return `nobody-${random.int(0, 9)}`
    if (kind === 'deleted' && deleted !== undefined) return deleted
    return kind === 'raw' || known === undefined ? random.pick(this.raw).key : known.key
  }
}
