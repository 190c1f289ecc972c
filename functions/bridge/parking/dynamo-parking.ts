import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { conflictSlots, isSlotted } from '../ports/conflict-slots.ts'
import type { Parked, ParkedHead, Parking, Resolution, Waiting } from '../ports/parking.ts'
import { inLanes } from '../runtime/lanes.ts'
import { ParkingCalls, type ParkingParts } from './calls.ts'
import { ForeignParkingItemError, ParkingContentionError, PayloadTooLargeError } from './errors.ts'
import { FormerRelease } from './former-release.ts'
import { Hints } from './hints.ts'
import { type Entry, readEntry, readMark, readPart } from './items.ts'
import {
  formerHeadKey,
  formerHeadsOf,
  headKey,
  headsOf,
  markKey,
  payloadsOf,
  primaryKeyText,
  resolvedOf,
  resolvedStart,
} from './keys.ts'
import { pack, unpack } from './payload.ts'
import { comparing, planPark, planResolve, type State, withBoundedWaits } from './plan.ts'
import { inSlot, SlotTakenError, slotOf } from './slots.ts'
import { type ParkedSummary, summarise } from './summary.ts'
import { WaitingList } from './waiting.ts'

/** Keys whose states are read together. */
const AT_ONCE = 50
/** Transactions in flight. */
const LANES = 8
/** Rounds in which a change of an entry may lose to others, and the longest pause between two, in milliseconds. */
const ROUNDS = 10
const LONGEST_PAUSE = 200

/**
 * Parking in one DynamoDB table. Reads are strongly consistent, each write is one transaction on the condition that
 * what was read is still so; see `plan.ts` for why nothing old comes back.
 */
export class DynamoParking implements Parking {
  readonly #calls: ParkingCalls
  readonly #hints: Hints
  readonly #waiting: WaitingList
  readonly #former: FormerRelease

  constructor(parts: ParkingParts) {
    this.#calls = new ParkingCalls(parts)
    this.#hints = new Hints(this.#calls)
    this.#waiting = new WaitingList(this.#calls, this.#hints)
    this.#former = new FormerRelease(this.#calls, { hints: this.#hints, waiting: this.#waiting })
  }

  /** @throws DynamoError, DeadlineError, ParkingContentionError, after the others are parked */
  async park(changes: readonly Parked[], at: Date): Promise<void> {
    const slotted = changes.filter(isSlotted)
    const failures: unknown[] = []
    if (slotted.length > 0)
      try {
        await this.#parkSlotted(slotted, at)
      } catch (error) {
        failures.push(error)
      }
    const latest = latestOf(changes.filter((change) => !isSlotted(change)))
    const parked: Parked[] = []
    await this.#hints.mark(latest.map(withBoundedWaits), at)
    for (let from = 0; from < latest.length; from += AT_ONCE) {
      const some = latest.slice(from, from + AT_ONCE)
      const states = await this.#states(some)
      await inLanes(some, LANES, async (change, index) => {
        try {
          await this.#parkOne(change, at, states[index])
          parked.push(change)
        } catch (error) {
          failures.push(error)
        }
      })
    }
    await this.#waiting.announce(parked.map(withBoundedWaits), at)
    if (failures.length > 0) throw failures[0]
  }

  async parkedOf(entity: string): Promise<ReadonlyMap<string, ParkedHead>> {
    const partitions = [formerHeadsOf(entity), ...headsOf(entity)]
    const items = await inLanes(partitions, LANES, (partition) => this.#calls.query(partition))
    return headsByKey(items.flat().map(readEntry))
  }

  /**
   * How much is parked of an entity, and since when, without reading more than so many heads.
   *
   * @param most of each of its partitions an equal share is looked at
   */
  async summaryOf(entity: string, most: number): Promise<ParkedSummary> {
    const partitions = [formerHeadsOf(entity), ...headsOf(entity)]
    const share = Math.ceil(most / partitions.length)
    const found = await inLanes(partitions, LANES, (partition) =>
      this.#calls.first(partition, share + 1, { after: '\u0001' }),
    )
    const heads = found.flatMap((some) => some.slice(0, share)).map((item) => readEntry(item).head)
    return summarise(
      heads,
      found.every(({ length }) => length <= share),
    )
  }

  async parkedAmong(entity: string, keys: readonly string[]): Promise<ReadonlyMap<string, ParkedHead>> {
    // One that is moved while this reads is at one of its two places, whatever the hint said before.
    const items = (await this.#former.mayHaveHeads(entity))
      ? await this.#calls.get(keys.flatMap((key) => [formerHeadKey(entity, key), headKey(entity, key)]))
      : await this.#hints.read({ kind: 'parked', entity }, keys, (key) => headKey(entity, key))
    return headsByKey([...items.values()].map(readEntry))
  }

  async waitingFor(entity: string, keys: readonly string[]): Promise<readonly Waiting[]> {
    const former = await this.#former.takeWaiters(entity)
    return [...former, ...(await this.#waiting.waitingFor(entity, keys))]
  }

  async due(entity: string, at: Date): Promise<readonly ParkedHead[]> {
    await this.#former.takeHeads(entity)
    return this.#waiting.due(entity, at)
  }

  async tidy(entities: readonly string[], at: Date): Promise<void> {
    await this.#hints.renew(entities, at)
  }

  /** @throws DynamoError, DeadlineError, ParkingContentionError */
  async resolve(of: { readonly entity: string; readonly key: string }, by: Resolution): Promise<boolean> {
    const revision = randomUUID()
    return this.#settle(of, undefined, (state) => planResolve(this.#calls.table, state, { ...by, revision }))
  }

  /** What was resolved in the last 90 days, newest first. @param key of it alone, which costs no more than it has. @default all */
  async resolvedOf(entity: string, key?: string): Promise<readonly ParkedHead[]> {
    const start = key === undefined ? '' : resolvedStart(key)
    const entries = (await this.#calls.query(resolvedOf(entity), start)).map(readEntry)
    return entries
      .map(({ head }) => head)
      .filter((head) => key === undefined || head.key === key)
      .toSorted((a, b) => (a.lastSeen < b.lastSeen ? 1 : -1))
  }

  /**
   * A key's entry with its payload: the parked one, else the one that was resolved last.
   *
   * @throws ForeignParkingItemError when parts of the payload are missing
   */
  async entryOf(entity: string, key: string): Promise<{ head: ParkedHead; payload: string } | undefined> {
    const [state] = await this.#states([{ entity, key }])
    const entry = state?.entry ?? (await this.#lastResolved(entity, key))
    return entry && { head: entry.head, payload: await this.#payloadOf(entry) }
  }

  /** One behind the other: each has to see which places the others have. There are few of them. */
  async #parkSlotted(changes: readonly Parked[], at: Date): Promise<void> {
    for (const change of changes) {
      const slots = conflictSlots(change.key).map((key) => ({ entity: change.entity, key }))
      for (let round = 1; ; round++) {
        const slot = slotOf(change, await this.#states(slots))
        await this.#hints.mark([{ entity: change.entity, key: slot }], at)
        try {
          await this.#parkOne({ ...change, key: slot }, at, undefined, (state) => inSlot(change, slot, state))
          break
        } catch (error) {
          if (!(error instanceof SlotTakenError) || round === ROUNDS) throw error
        }
      }
    }
  }

  /** @param placed how it is set aside beside what stands there. @default as it is */
  async #parkOne(
    change: Parked,
    at: Date,
    first: State | undefined,
    placed: (state: State) => Parked = () => change,
  ): Promise<void> {
    // That it is listed does not depend on what is kept of it: its source has it.
    const parts = await pack(change.entity, change.payload).catch((error: unknown) => {
      if (!(error instanceof PayloadTooLargeError)) throw error
      return pack(change.entity, JSON.stringify({ leftOut: error.message }))
    })
    const revision = randomUUID()
    await this.#settle(change, first, (state) =>
      planPark(this.#calls.table, state, placed(state), { at, revision, parts }),
    )
  }

  /**
   * Reads, plans, writes; starts again when somebody else has written in between.
   *
   * @returns whether there was something to write
   */
  async #settle(
    of: { readonly entity: string; readonly key: string },
    first: State | undefined,
    plan: (state: State) => TransactWriteItem[],
  ): Promise<boolean> {
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await wait(Math.random() * Math.min(LONGEST_PAUSE, 10 * 2 ** round))
      const [read] = round === 0 && first ? [first] : await this.#states([of])
      const writes = plan(read ?? { entry: undefined, mark: undefined })
      if (writes.length === 0) return false
      if (await this.#calls.write(writes)) return true
    }
    throw new ParkingContentionError(`The parked change of ${of.entity} lost ${ROUNDS} races`)
  }

  async #states(of: readonly { readonly entity: string; readonly key: string }[]): Promise<State[]> {
    const items = await this.#calls.get(
      of.flatMap(({ entity, key }) => [
        headKey(entity, key),
        formerHeadKey(entity, key),
        markKey(entity, key),
      ]),
    )
    return of.map(({ entity, key }) => {
      const entry =
        items.get(primaryKeyText(headKey(entity, key))) ??
        items.get(primaryKeyText(formerHeadKey(entity, key)))
      const mark = items.get(primaryKeyText(markKey(entity, key)))
      return { entry: entry && readEntry(entry), mark: mark && readMark(mark) }
    })
  }

  async #lastResolved(entity: string, key: string): Promise<Entry | undefined> {
    const entries = (await this.#calls.query(resolvedOf(entity), resolvedStart(key))).map(readEntry)
    return entries.filter(({ head }) => head.key === key).at(-1)
  }

  async #payloadOf({ head, payload: { id, parts } }: Entry): Promise<string> {
    const items = await this.#calls.query(payloadsOf(head.entity, head.key), `${id}#`)
    if (items.length !== parts)
      throw new ForeignParkingItemError(`A payload of ${head.entity} has ${items.length} of ${parts} parts`)
    return unpack(items.map(readPart))
  }
}

const headsByKey = (entries: readonly Entry[]): ReadonlyMap<string, ParkedHead> =>
  new Map(entries.map(({ head }) => [head.key, head]))

/** One change a key: the latest, of equal ones the last. */
const latestOf = (changes: readonly Parked[]): Parked[] => {
  const latest = new Map<string, Parked>()
  for (const change of changes) {
    const key = JSON.stringify([change.entity, change.key])
    const known = latest.get(key)
    if (known === undefined || comparing(change)(change, known) >= 0) latest.set(key, change)
  }
  return [...latest.values()]
}
