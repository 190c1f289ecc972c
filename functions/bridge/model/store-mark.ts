import { BridgeError } from './errors.ts'
import { type Owner, otherOf } from './owner.ts'

/*
 * How it is told that a store was restored to an earlier time. Of each mirrored entity there is a mark, a number that only grows: it is
 * raised in Aurora once the rows that are about to be carried over were read, then told DynamoDB, and only then are they applied. So an
 * Aurora of a moment before has not the mark that DynamoDB was told. Of a raise that dies between the two Aurora has more than
 * DynamoDB knows, which is always so. The other way about, Aurora keeps which mark DynamoDB had when the next one was raised.
 */

/** A mark as DynamoDB was told it: its number, and what tells it from one of the same number of another life of Aurora's. */
export type ToldMark = { readonly mark: bigint; readonly token: string }

/** The mark as Aurora has it. */
export type RaisedMark = {
  readonly mark: bigint
  /** Of this one and those before it, the last one first: at least one. */
  readonly tokens: readonly [string, ...string[]]
  /** The mark that DynamoDB had when this one was raised. */
  readonly witnessed: bigint
}

/** Marks by the names of their entities; of an entity that has none yet there is none. */
export type ToldMarks = ReadonlyMap<string, ToldMark>
export type RaisedMarks = ReadonlyMap<string, RaisedMark>

/** Tokens that Aurora keeps: so many relays may be killed between the two stores, one behind the other, and each mark is told apart. */
export const TOKENS_KEPT = 32

/**
 * Whether Aurora has what DynamoDB was told of it.
 *
 * @param raised as it was read after `told` was
 */
export const isBehindAurora = (told: ToldMark | undefined, raised: RaisedMark | undefined): boolean => {
  if (told === undefined) return true
  if (raised === undefined || raised.mark < told.mark) return false
  const token = raised.tokens[Number(raised.mark - told.mark)]
  // Nobody knows any more of marks that are so old: only that there are later ones.
  return token === undefined || token === told.token
}

/**
 * Whether DynamoDB has what it is known to have had. One that has none at all is new: nobody has told it anything.
 *
 * @param told as it was read after `raised` was
 */
export const isKeptByDynamo = (told: ToldMark | undefined, raised: RaisedMark | undefined): boolean =>
  told === undefined || raised === undefined || told.mark >= raised.witnessed

/** A store that was restored to an earlier time. */
export type SteppedBack = { readonly entity: string; readonly store: Owner }

const NAMES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

/** What to type about it. */
export const cureOf = ({ entity, store }: SteppedBack): string =>
  `npx backsync cutover recover ${entity} --restored ${store}`

/** What is so, of one entity. */
export const sayBack = ({ entity, store }: SteppedBack): string =>
  `${NAMES[store]} lacks what the mirror of ${entity} had come to by what ${NAMES[otherOf(store)]} knows: it was restored to an earlier time, or is another one`

/** A store was restored and nobody has said so: what would be carried from it may be older than what the other one has. */
export class SteppedBackError extends BridgeError {
  override readonly name = 'SteppedBackError'
  readonly code = 'store.stepped-back'
  readonly kind = 'configuration'
  readonly stores: readonly SteppedBack[]

  constructor(stores: readonly [SteppedBack, ...SteppedBack[]]) {
    const says = stores.map((one) => `${sayBack(one)}. Nothing of it is carried until: ${cureOf(one)}`)
    super(says.join('; '))
    this.stores = stores
  }
}
