import { randomUUID } from 'node:crypto'
import type { Waiting } from '../ports/parking.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { ParkingCalls } from './calls.ts'
import type { Hints } from './hints.ts'
import { type Entry, readEntry, readWaiting } from './items.ts'
import { formerHeadKey, formerHeadsOf, formerWaitersFor, primaryKeyText } from './keys.ts'
import { planMove } from './plan.ts'
import type { WaitingList } from './waiting.ts'

/** Entries that are moved at once, and how many of them together. */
const AT_ONCE = 50
const LANES = 8
/** A partition that was empty is looked at again after so long, in ms: while a new release is rolled out the old one parks. */
const EMPTY_FOR = 5 * 60_000

/**
 * What former releases have parked: heads of an entity in one partition, and in one all that waits for it, each of which
 * was read whole by every batch. Entries are moved to where they belong as they are met, with their waits, so that this
 * looks for something that is rarely there: once in a while.
 */
export class FormerRelease {
  readonly #calls: ParkingCalls
  readonly #hints: Hints
  readonly #waiting: WaitingList
  /** By partition: until when it is taken to be empty. */
  readonly #empty = new Map<string, number>()

  constructor(
    calls: ParkingCalls,
    { hints, waiting }: { readonly hints: Hints; readonly waiting: WaitingList },
  ) {
    this.#calls = calls
    this.#hints = hints
    this.#waiting = waiting
  }

  /** Whether something of an entity may still be where it was. */
  async mayHaveHeads(entity: string): Promise<boolean> {
    return (await this.#some(formerHeadsOf(entity), 1)).length > 0
  }

  /** Moves some entries of an entity. */
  async takeHeads(entity: string): Promise<void> {
    const entries = (await this.#some(formerHeadsOf(entity), AT_ONCE)).map(readEntry)
    await this.#move(entries)
  }

  /** Moves some of what waits for an entity. Each is given: what it waits for may have come before it was moved. */
  async takeWaiters(entity: string): Promise<readonly Waiting[]> {
    const waits = (await this.#some(formerWaitersFor(entity), AT_ONCE)).map(readWaiting)
    const items = await this.#calls.get(waits.map(({ entity: of, key }) => formerHeadKey(of, key)))
    const entries = new Map([...items].map(([key, item]) => [key, readEntry(item)]))
    await this.#move([...entries.values()])
    return waits.flatMap(({ entity: of, key, on }) => {
      const entry = entries.get(primaryKeyText(formerHeadKey(of, key)))
      return entry === undefined ? [] : [{ head: entry.head, on }]
    })
  }

  async #some(partition: string, most: number) {
    if ((this.#empty.get(partition) ?? 0) > performance.now()) return []
    const items = await this.#calls.first(partition, most, { after: '\u0001' })
    if (items.length === 0) this.#empty.set(partition, performance.now() + EMPTY_FOR)
    return items
  }

  /** Who loses to another writer finds the entry where it was, or moved. */
  async #move(entries: readonly Entry[]): Promise<void> {
    await this.#hints.mark(
      entries.map(({ head }) => head),
      new Date(),
    )
    await inLanes(entries, LANES, (entry) =>
      this.#calls.write(planMove(this.#calls.table, entry, randomUUID())),
    )
    await this.#waiting.announce(
      entries.map(({ head }) => head),
      new Date(),
    )
  }
}
