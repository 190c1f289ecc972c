import fc from 'fast-check'
import type { Row } from '../../../functions/bridge/model/change.ts'
import { arbitraryRecipe } from '../../support/arbitrary-recipe.ts'
import type { SoakEntity } from '../ground.ts'
import type { Random } from '../random.ts'

/** How much of each write there is. */
const WEIGHTS = {
  create: 20,
  replace: 26,
  /** With the version that was read last. */
  'replace-if-match': 8,
  /** With a version that is gone: 412, and nothing is written. */
  'replace-stale': 2,
  delete: 8,
  /** Many writes of one key at once. */
  hot: 3,
  /** Several items in one BatchWriteItem, past the API. */
  batch: 7,
} as const

export type WriteKind = keyof typeof WEIGHTS

/** Which chef a recipe names. */
export type Parent = 'known' | 'raw' | 'deleted' | 'never'

/** What a raw write does to its key. */
export type RawFlavour = 'good' | 'strange' | 'sparse' | 'clock' | 'delete' | Poison
export type Poison = 'too-long' | 'wrong-type' | 'too-many-digits' | 'set' | 'no-version'

export type RawWrite = {
  /** From 0 up to, not including, 1: which of the keys that are free. */
  readonly pick: number
  readonly flavour: RawFlavour
  /** Of a clock jump: when the item says that it was written. */
  readonly updatedAt: string
  readonly row: Row
  readonly parent: Parent
}

/** One step of the schedule, as the seed alone determines it: keys are named by their place among those there are. */
export type PlannedWrite = {
  readonly kind: WriteKind
  readonly entity: SoakEntity
  readonly pick: number
  readonly parent: Parent
  readonly row: Row
  /** Of `hot`: the rows that follow. Of `batch`: its members. */
  readonly rows: readonly Row[]
  readonly raw: readonly RawWrite[]
}

const FLAVOURS = {
  good: 60,
  strange: 10,
  sparse: 6,
  clock: 8,
  delete: 12,
  'too-long': 1.5,
  'wrong-type': 1.5,
  'too-many-digits': 1.5,
  set: 1.5,
  'no-version': 1.5,
} as const

const PARENTS = { known: 84, raw: 9, deleted: 5, never: 2 } as const

/** Clocks that are wrong: far past, far future, beyond what a column holds, and no time at all. */
const JUMPS = [
  '1970-01-02T00:00:00.000Z',
  '1999-12-31T23:59:59.999Z',
  '2037-12-31T23:59:59.999Z',
  '2199-01-01T00:00:00.000Z',
  '0001-01-01T00:00:00.000Z',
  'yesterday',
] as const

/** How many different recipes there are; they are made once, because that takes longer than to write one. */
const POOL = 250

/** The schedule of the writers, without an end. The same seed gives the same. */
export function* planWrites(random: Random, seed: number): Generator<PlannedWrite, never> {
  const recipes = fc.sample(arbitraryRecipe(['?']), { seed, numRuns: POOL })
  const rowOf = (entity: SoakEntity): Row =>
    entity === 'recipe'
      ? random.pick(recipes)
      : { firstName: name(random), lastName: random.chance(0.1) ? 'Ünïcødé 👩‍🍳' : name(random) }
  for (;;) {
    const kind = random.weighted(WEIGHTS)
    const entity = random.chance(0.35) ? 'chef' : 'recipe'
    yield {
      kind,
      entity,
      pick: random.next(),
      parent: random.weighted(PARENTS),
      row: rowOf(entity),
      rows: kind === 'hot' ? Array.from({ length: random.int(4, 12) }, () => rowOf(entity)) : [],
      raw:
        kind === 'batch'
          ? Array.from({ length: random.int(2, 8) }, () => ({
              pick: random.next(),
              flavour: random.weighted(FLAVOURS),
              updatedAt: random.pick(JUMPS),
              row: rowOf(entity),
              parent: random.weighted(PARENTS),
            }))
          : [],
    }
  }
}

const name = (random: Random): string => `cook-${random.int(0, 99_999)}`
