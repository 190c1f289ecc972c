import type { Item } from '../../../../../functions/bridge/drivers/dynamo/items.ts'
import type { Row, Version } from '../../../../../functions/bridge/model/change.ts'
import type { Authority } from '../../../../../functions/bridge/model/owner.ts'
import type { Parked } from '../../../../../functions/bridge/ports/parking.ts'
import type { TakenOut } from './guards.ts'

export type RowRecord = Authority & {
  readonly row: Row
  readonly version: Version
  readonly at: string | null
}
export type Tombstone = Authority & { readonly version: Version; readonly at: string | null }
export type ItemRecord = { readonly before: Item | undefined; readonly after: Item | undefined }

/** All that both stores hold of one key, with what the stream has of it and what is set aside. Values are never changed. */
export type Stores = {
  row: RowRecord | undefined
  tombstone: Tombstone | undefined
  item: Item | undefined
  records: readonly ItemRecord[]
  parked: readonly Parked[]
}

export const emptyStores = (): Stores => ({
  row: undefined,
  tombstone: undefined,
  item: undefined,
  records: [],
  parked: [],
})

/** Does a piece of work on the stores at once, as soon as it is its turn. */
export type Step = <T>(name: string, work: () => T) => Promise<T>

/** A call of a store: what it does between two of its `yield`s happens at once. Each tells what was seen before it. */
export type Work<T> = Generator<unknown, T>

export type Parts = {
  readonly stores: Stores
  readonly out: TakenOut
  /** Runs a call that is one thing. */
  readonly atOnce: <T>(name: string, work: () => T) => Promise<T>
  /** Runs a call that has several, as one step or as so many. */
  readonly run: <T>(name: string, work: Work<T>) => Promise<T>
  /** Hears what a side has accepted of its own: the title, or undefined for a delete. */
  readonly accepted: (title: string | undefined) => void
}

/** @param fine whether others may come in between two statements of a call */
export const runner =
  (step: Step, fine: boolean): Parts['run'] =>
  async (name, work) => {
    if (!fine)
      return step(name, () => {
        let result = work.next()
        while (result.done !== true) result = work.next()
        return result.value
      })
    for (;;) {
      const result = await step(name, () => work.next())
      if (result.done === true) return result.value
    }
  }
