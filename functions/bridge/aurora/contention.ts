import type { Change } from '../model/change.ts'

/**
 * For so long after somebody was found to hold rows of an entity, nothing of it waits for a lock for long; in ms. What is held is
 * tried again sooner than that.
 */
const WARY = 10 * 60_000
/** For so long after a row was waited for in vain it isn't waited for again; in milliseconds. */
const KNOWN = 30_000

/**
 * Which entities' rows others have held for long of late, and of which keys: so that one who has waited in vain does not
 * wait again with each batch. It is a hint that one process keeps: without it a batch costs more time, and ends the same.
 */
export class Contention {
  readonly #entities = new Map<string, number>()
  readonly #keys = new Map<string, number>()

  /** Notes that others hold rows of an entity. @param changes those that were set aside for it */
  note(entity: string, changes: readonly Change[] = []): void {
    const now = performance.now()
    this.#entities.set(entity, now + WARY)
    for (const [name, until] of this.#keys) if (until <= now) this.#keys.delete(name)
    for (const { key } of changes) this.#keys.set(nameOf(entity, key), now + KNOWN)
  }

  /** Whether changes of an entity are to be applied without waiting long for a lock. */
  isLikely(entity: string, changes: readonly Change[]): boolean {
    return isAhead(this.#entities.get(entity)) || changes.some(({ contended }) => contended === true)
  }

  /** Whether a change's row was held when it was tried last, so that it has been waited for. */
  isKnown({ entity, key, contended }: Change): boolean {
    return contended === true || isAhead(this.#keys.get(nameOf(entity, key)))
  }
}

const nameOf = (entity: string, key: string): string => JSON.stringify([entity, key])

const isAhead = (until: number | undefined): boolean => until !== undefined && until > performance.now()
