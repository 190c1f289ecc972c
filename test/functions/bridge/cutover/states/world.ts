import type { Change, Version } from '../../../../../functions/bridge/model/change.ts'
import { plate } from '../../../fixtures/plate.ts'
import { AT } from '../fakes/fake-dynamo.ts'
import { emptyStores, type Stores } from '../fakes/state.ts'
import type { Route, Wish } from './facade.ts'

/* One key, and all that may happen to it. */

export const KEY = 'k'

/** How much of each may happen. */
export type Budget = {
  /** Requests of each facade. */
  readonly facades: readonly number[]
  /** Turns of the route. */
  readonly flips?: number
  /** Runs of the job that claims what no request has touched. */
  readonly sweeps?: number
  /** Plain SQL by a legacy program. */
  readonly legacy?: number
  /** Plain puts at version 1 of items that are DynamoDB's. */
  readonly careless?: number
  /** Plain puts at version 7 of keys that are Aurora's. */
  readonly foreign?: number
  /** Records that are delivered once more, beside all else. */
  readonly again?: number
  /** Calls that end after one of their steps. */
  readonly deaths?: number
}

export type Scene = Budget & {
  /** `ahead`: modern, with a last write that the stream has not brought yet. */
  readonly begins: 'legacy' | 'modern' | 'ahead' | 'absent'
  /** What facades ask for. @default both */
  readonly wishes?: readonly Wish['does'][]
  /** Whether a sweep begins while another one, which may be of an earlier move, is still at it. */
  readonly sideBySide?: boolean
  /** Whether others come in between the statements of one call, too. */
  readonly fine?: boolean
}

export type World = {
  readonly stores: Stores
  route: Route
  /** What each facade knows of the route: as it was at some time. */
  known: readonly Route[]
  /** How many records of the stream are done with. */
  taken: number
  left: Required<Budget>
  /** What was acknowledged last: its title, or that it was deleted. */
  last: string | undefined
  /** Whether all writers count: then the larger version is the later write. */
  readonly counts: boolean
  /** Plain puts that had no right to be accepted. */
  foreign: number
}

export const open = ({ begins, fine: _, wishes: __, sideBySide: ___, ...budget }: Scene): World => {
  const stores = emptyStores()
  const born = { version: 1n, at: AT, epoch: 0n }
  const row = { code: KEY, title: 'old' }
  const item = {
    ...{ [plate.item.keyAttribute]: { S: KEY }, code: { S: KEY }, title: { S: 'old' } },
    ...{ version: { N: '1' }, updatedAt: { S: AT } },
  }
  if (begins !== 'absent') stores.row = { row, ...born, owner: begins === 'legacy' ? 'aurora' : 'dynamo' }
  if (begins === 'modern') stores.item = item
  if (begins === 'ahead') {
    stores.item = { ...item, title: { S: 'new' }, version: { N: '2' } }
    stores.records = [{ before: item, after: stores.item }]
  }
  const isModern = begins === 'modern' || begins === 'ahead'
  const route: Route = { target: isModern ? 'dynamo' : 'aurora', epoch: 0n }
  return {
    stores,
    route,
    known: budget.facades.map(() => route),
    taken: 0,
    left: { flips: 0, sweeps: 0, legacy: 0, careless: 0, foreign: 0, again: 0, deaths: 0, ...budget },
    last: begins === 'absent' ? undefined : begins === 'ahead' ? 'new' : 'old',
    counts: (budget.careless ?? 0) === 0,
    foreign: 0,
  }
}

export const copyOf = (world: World): World => ({ ...world, stores: { ...world.stores } })

/** A put of somebody who doesn't count. */
export const plain = (title: string, version: Version): Change => ({
  ...{ entity: plate.name, key: KEY, source: 'api', at: AT },
  ...{ op: 'upsert', version, row: { code: KEY, title } },
})
