import type { Random } from '../random.ts'
import type { MovedEntity } from './moved.ts'

/** A key that clients and legacy programs work on, for as long as its history is short enough to be searched. */
export type Living = {
  readonly entity: MovedEntity
  readonly key: string
  /** Operations so far. */
  count: number
  /** Versions that somebody was told of, the latest last. */
  readonly versions: number[]
}

/** A create that may be repeated under its Idempotency-Key. */
export type Once = {
  readonly entity: MovedEntity
  readonly id: string
  readonly value: string
  /** The natural key that it makes. */
  readonly key: string | undefined
}

/** Operations that a key sees before it is left alone. */
const LIFE = { least: 60, most: 200 } as const
/** Keys of an entity that are worked on at once. */
const AT_ONCE = 10
/** Creates that are repeated now and then. */
const REPEATED = 30
const VERSIONS = 4

/** The keys that are worked on, few at a time: so that many meet at each. */
export class Keys {
  /** All that ever were. */
  readonly all: Living[] = []
  readonly #random: Random
  readonly #living: Living[] = []
  readonly #once: Once[] = []
  #last = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** A text that nobody else writes. */
  value(by: string): string {
    this.#last += 1
    return `${by} ${this.#last}`
  }

  /** Some key that is worked on; undefined: there are too few of that entity, and one has to be made. */
  pick(entity: MovedEntity): Living | undefined {
    for (const [at, one] of [...this.#living.entries()].toReversed())
      if (one.count >= this.#random.int(LIFE.least, LIFE.most) * 2) this.#living.splice(at, 1)
    const own = this.#living.filter((one) => one.entity === entity)
    if (entity === 'plate') while (own.length < AT_ONCE) own.push(this.knows('plate', `p-${this.#next()}`))
    if (own.length < AT_ONCE && this.#random.chance(0.3)) return undefined
    return own.length === 0 ? undefined : this.#random.pick(own)
  }

  /** A key that is there from now on. */
  knows(entity: MovedEntity, key: string): Living {
    const known = this.#living.find((one) => one.entity === entity && one.key === key)
    if (known !== undefined) return known
    const living: Living = { entity, key, count: 0, versions: [] }
    this.all.push(living)
    this.#living.push(living)
    return living
  }

  /** Notes a version that somebody was told of. */
  told(entity: MovedEntity, key: string, version: number): void {
    const versions = this.#living.find((one) => one.entity === entity && one.key === key)?.versions
    versions?.push(version)
    if (versions !== undefined && versions.length > VERSIONS) versions.shift()
  }

  makesOnce(once: Once): void {
    this.#once.push(once)
    if (this.#once.length > REPEATED) this.#once.shift()
  }

  /** One that was asked for before, to be asked for again. */
  repeated(): Once | undefined {
    return this.#once.length === 0 ? undefined : this.#random.pick(this.#once)
  }

  #next(): number {
    this.#last += 1
    return this.#last
  }
}
