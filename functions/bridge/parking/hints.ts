import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Item } from '../drivers/dynamo/items.ts'
import type { WaitsFor } from '../ports/sink.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { ParkingCalls } from './calls.ts'
import { ParkingContentionError } from './errors.ts'
import { type Filter, mayHold, noFilter, withTexts } from './filter.ts'
import { type Hint, hintAttributes, readEntry, readHint } from './items.ts'
import { type HintKind, headsOf, hintKey, type PrimaryKey, primaryKeyText } from './keys.ts'

/** What is parked or to be parked, as far as it matters here. */
type Parked = { readonly entity: string; readonly key: string; readonly waitsFor?: readonly WaitsFor[] }

/** Bits are taken back from a hint that has been left alone for so long, in ms: longer than any invocation lives. */
const SETTLED = 60 * 60_000
/** What is to be parked now has to be written within this, in ms, before the bits need to be set anew. */
const FRESH = SETTLED / 2
/** So many heads of each partition are read to tell which bits are still needed: where there are more, most are. */
const MOST_OF_PARTITION = 250
const ROUNDS = 20
const LONGEST_PAUSE = 200
const LANES = 8

/**
 * Hints at what is parked. To ask for each key of a batch whether it is parked, and whether something waits for it, costs
 * two read units for each change that is applied, for what is hardly ever there. So there are two items an entity that
 * say, by a filter, which keys may be parked and which may be waited for, and only of these is more asked.
 *
 * Why none is missed. A key's bit is set before its head is written, so whoever reads the hint after the head was written
 * finds it; whoever reads it before would not have found the head either. Bits are taken back only from a hint that
 * nobody has touched for an hour, on the condition that it is still so: whoever set a bit and has not written its head
 * by then is gone. Where there is no hint nothing is parked; what former releases parked is looked up apart.
 */
export class Hints {
  readonly #calls: ParkingCalls

  constructor(calls: ParkingCalls) {
    this.#calls = calls
  }

  /** Says that these are about to be parked. @throws DynamoError, DeadlineError, ParkingContentionError */
  async mark(parked: readonly Parked[], at: Date): Promise<void> {
    const marks = new Map<string, { key: PrimaryKey; texts: string[] }>()
    const add = (kind: HintKind, entity: string, text: string): void => {
      const key = hintKey(kind, entity)
      const known = marks.get(primaryKeyText(key))
      if (known === undefined) marks.set(primaryKeyText(key), { key, texts: [text] })
      else known.texts.push(text)
    }
    for (const { entity, key, waitsFor = [] } of parked) {
      add('parked', entity, key)
      for (const on of waitsFor) if (on.key !== undefined) add('awaited', on.entity, on.key)
    }
    await inLanes([...marks.values()], LANES, ({ key, texts }) => this.#set(key, texts, at))
  }

  /**
   * The items of the keys of which the hint doesn't say that there is none, by their places' text.
   *
   * @param placeOf where the item of a key is
   * @param always what is read whatever the hint says
   * @throws DynamoError, DeadlineError
   */
  async read(
    { kind, entity }: { readonly kind: HintKind; readonly entity: string },
    keys: readonly string[],
    placeOf: (key: string) => PrimaryKey,
    always: readonly PrimaryKey[] = [],
  ): Promise<ReadonlyMap<string, Item>> {
    // To ask for one costs no more than to ask whether to ask.
    if (keys.length <= 1) return this.#calls.get([...always, ...keys.map(placeOf)])
    const place = hintKey(kind, entity)
    const items = new Map(await this.#calls.get([...always, place]))
    const hint = items.get(primaryKeyText(place))
    items.delete(primaryKeyText(place))
    if (hint === undefined) return items
    const { filter } = readHint(hint)
    const asked = keys.filter((key) => mayHold(filter, key))
    return new Map([...items, ...(await this.#calls.get(asked.map(placeOf)))])
  }

  /**
   * Takes back the bits of what is parked no more, where hints have been left alone for long.
   *
   * @param entities all that can wait for each other
   * @throws DynamoError, DeadlineError
   */
  async renew(entities: readonly string[], at: Date): Promise<void> {
    const places = entities.flatMap((entity) => [hintKey('parked', entity), hintKey('awaited', entity)])
    const hints = await this.#read(places)
    const stale = places.flatMap((key, index) => {
      const hint = hints[index]
      return hint !== undefined && at.getTime() - Date.parse(hint.changedAt) >= SETTLED ? [{ key, hint }] : []
    })
    if (stale.length === 0) return
    const needed = await this.#needed(entities)
    await inLanes(stale, LANES, async ({ key, hint }) => {
      const filter = needed === undefined ? hint.filter : needed.get(primaryKeyText(key))
      await this.#replace(key, hint, filter, at)
    })
  }

  /** The filters as they would be if nothing had ever ended, by place; undefined when there is too much to tell. */
  async #needed(entities: readonly string[]): Promise<ReadonlyMap<string, Filter> | undefined> {
    const filters = new Map<string, Filter>()
    const add = (key: PrimaryKey, text: string): void => {
      filters.set(primaryKeyText(key), withTexts(filters.get(primaryKeyText(key)) ?? noFilter(), [text]))
    }
    for (const entity of entities) {
      const found = await inLanes(headsOf(entity), LANES, (partition) =>
        this.#calls.first(partition, MOST_OF_PARTITION, { after: '\u0001' }),
      )
      if (found.some(({ length }) => length === MOST_OF_PARTITION)) return undefined
      for (const { head } of found.flat().map(readEntry)) {
        add(hintKey('parked', entity), head.key)
        for (const on of head.waitsFor ?? [])
          if (on.key !== undefined) add(hintKey('awaited', on.entity), on.key)
      }
    }
    return filters
  }

  async #set(key: PrimaryKey, texts: readonly string[], at: Date): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await wait(Math.random() * Math.min(LONGEST_PAUSE, 10 * 2 ** round))
      const [hint] = await this.#read([key])
      const filter = withTexts(hint?.filter ?? noFilter(), texts)
      const isFresh = hint !== undefined && at.getTime() - Date.parse(hint.changedAt) < FRESH
      if (isFresh && filter === hint.filter) return
      if (await this.#replace(key, hint, filter, at)) return
    }
    throw new ParkingContentionError(`A hint at what is parked lost ${ROUNDS} races`)
  }

  async #read(keys: readonly PrimaryKey[]): Promise<(Hint | undefined)[]> {
    const items = await this.#calls.get(keys)
    return keys.map((key) => {
      const item = items.get(primaryKeyText(key))
      return item && readHint(item)
    })
  }

  /** @param filter no filter takes the hint away. @returns whether it still was as it had been read */
  #replace(key: PrimaryKey, read: Hint | undefined, filter: Filter | undefined, at: Date): Promise<boolean> {
    if (filter === undefined) return this.#calls.removeIfSame(key, read?.revision)
    const hint = { filter, changedAt: at.toISOString(), revision: randomUUID() }
    return this.#calls.putIfSame({ ...key, ...hintAttributes(hint) }, read?.revision)
  }
}
