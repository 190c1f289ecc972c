import { randomUUID } from 'node:crypto'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Parked, ParkedHead, Waiting } from '../ports/parking.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { ParkingCalls } from './calls.ts'
import type { Hints } from './hints.ts'
import { readEntry, readNamed, readSign, readWaiting } from './items.ts'
import {
  AWAITED,
  awaitedKey,
  duesOf,
  headKey,
  type PrimaryKey,
  parkingTable,
  primaryKeyText,
  waitersForAny,
} from './keys.ts'

/** How many are given at once: of those that wait for one key; per partition, of those that wait for any, or are due. */
const MOST_OF_KEY = 100
const MOST_OF_ANY = 10
const MOST_DUE = 7
const LANES = 8
/** A sign is kept as long as a mark, in seconds: what still waits then is tried when it is due. */
const KEPT = 90 * 24 * 3600

/**
 * How what waits is found by what has come. Nobody knows the waiters' keys by what they wait for, and to ask the
 * partition of each key that a batch has applied would be a call for each. So beside the waiters there is a sign that
 * there are any: signs are looked up a hundred at once, and there are few.
 *
 * A sign is written behind its waiters, and taken away by whoever finds no waiter beside it, on the condition that it is
 * still the same one; so a waiter without a sign is left only by a process that ends between the two writes, and is tried
 * when it is due.
 */
export class WaitingList {
  readonly #calls: ParkingCalls
  readonly #hints: Hints

  constructor(calls: ParkingCalls, hints: Hints) {
    this.#calls = calls
    this.#hints = hints
  }

  /** Leaves the signs of what these wait for; they are parked already. @throws DynamoError, DeadlineError */
  async announce(parked: readonly Pick<Parked, 'waitsFor'>[], at: Date): Promise<void> {
    const signs = parked.flatMap(({ waitsFor = [] }) => waitsFor.map(awaitedKey))
    const distinct = [...new Map(signs.map((sign) => [primaryKeyText(sign), sign])).values()]
    const expires = { N: String(Math.ceil(at.getTime() / 1000) + KEPT) }
    await inLanes(distinct, LANES, (sign) =>
      this.#calls.put({ ...sign, revision: { S: randomUUID() }, [parkingTable.expiry]: expires }),
    )
  }

  /** See the port. @throws DynamoError, DeadlineError */
  async waitingFor(entity: string, keys: readonly string[]): Promise<readonly Waiting[]> {
    const signOf = (key: string) => awaitedKey({ entity, key })
    const items = await this.#hints.read({ kind: 'awaited', entity }, keys, signOf, [awaitedKey({ entity })])
    const found = await inLanes([...items.values()], LANES, async (item) => {
      const sign = { ...readSign(item), pk: item[parkingTable.partition]?.S ?? '' }
      const ofAny = sign.pk === awaitedKey({ entity }).pk.S
      const waiters = await (ofAny ? this.#nextOfAny(entity, sign) : this.#firstOf(sign))
      if (waiters.length === 0) await this.#calls.removeSign(signKey(sign), sign.revision)
      return waiters
    })
    const waits = found.flat().map(readWaiting)
    const heads = await this.#headsOf(waits)
    return waits.flatMap(({ entity: of, key, on }) => {
      const head = heads.get(primaryKeyText(headKey(of, key)))
      // Resolved between the two reads: it waits no longer.
      return head === undefined ? [] : [{ head, on }]
    })
  }

  /** See the port. @throws DynamoError, DeadlineError */
  async due(entity: string, at: Date): Promise<readonly ParkedHead[]> {
    const before = at.toISOString()
    const found = await inLanes(duesOf(entity), LANES, (partition) =>
      this.#calls.first(partition, MOST_DUE, { after: '0', before }),
    )
    const named = found.flat().toSorted(bySortKey).map(readNamed)
    const heads = await this.#headsOf(named)
    return named.flatMap((of) => heads.get(primaryKeyText(headKey(of.entity, of.key))) ?? [])
  }

  /** Of those that wait for one key: who is given and resolved makes room for the next. */
  #firstOf({ pk }: Sign): Promise<Item[]> {
    return this.#calls.first(pk, MOST_OF_KEY, { after: AWAITED })
  }

  /** Of those that wait for any change, most of which will go on waiting: from where the last look came to. */
  async #nextOfAny(entity: string, sign: Sign): Promise<readonly Item[]> {
    const found = await inLanes(waitersForAny(entity), LANES, async (partition, at) => {
      const after = sign.cursors[at] ?? AWAITED
      const waiters = await this.#calls.first(partition, MOST_OF_ANY, { after })
      const room = MOST_OF_ANY - waiters.length
      if (after === AWAITED || room === 0) return waiters
      // The end was reached: on from the first ones.
      const before = `${after}\u0001`
      return [...waiters, ...(await this.#calls.first(partition, room, { after: AWAITED, before }))]
    })
    if (found.some(({ length }) => length === MOST_OF_ANY))
      await this.#calls.setCursors(
        signKey(sign),
        sign.revision,
        found.map((waiters) => waiters.at(-1)?.[parkingTable.sort]?.S ?? AWAITED),
      )
    return found.flat()
  }

  async #headsOf(
    of: readonly { readonly entity: string; readonly key: string }[],
  ): Promise<ReadonlyMap<string, ParkedHead>> {
    const items = await this.#calls.get(of.map(({ entity, key }) => headKey(entity, key)))
    return new Map([...items].map(([key, item]) => [key, readEntry(item).head]))
  }
}

type Sign = ReturnType<typeof readSign> & { readonly pk: string }

const signKey = ({ pk }: Sign): PrimaryKey => ({ pk: { S: pk }, sk: { S: AWAITED } })

const bySortKey = (a: Item, b: Item): number =>
  (a[parkingTable.sort]?.S ?? '') < (b[parkingTable.sort]?.S ?? '') ? -1 : 1
