import { BridgeError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import type { AddressedPath, Side } from './addresses.ts'
import { type Answer, askSide, type Caller, hasNoRoute, refusalOf } from './ask-side.ts'
import { type AnswerComparison, type AnswerVerdict, compareAnswers } from './compare-answers.ts'

/** What came of asking one side. `absent`: the gateway has no such route, as of a facade that is not there yet. */
export type Asked = { readonly side: Side; readonly url: string } & (
  | { readonly is: 'answered'; readonly answer: Answer }
  | { readonly is: 'absent' }
  | { readonly is: 'failed'; readonly code: string; readonly why: string }
)

/** One request at all sides. `failed`: legacy or modern side has not answered, so that nothing is known. */
export type Round = {
  readonly asked: readonly Asked[]
  readonly comparisons: readonly AnswerComparison[]
  readonly verdict: AnswerVerdict | 'failed'
}

export type Asking = {
  /** The API's address, without a slash at its end. */
  readonly base: string
  readonly method: 'GET' | 'HEAD'
  readonly headers: Readonly<Record<string, string>>
  /** @default fetch */
  readonly caller?: Caller | undefined
  /** Whose the key is, by which the facade has to answer; absent: as either side does. */
  readonly owner?: Owner | undefined
  readonly signal?: AbortSignal | undefined
}

/** A method that may change something: it is never sent to two sides, nor twice. */
export class NotAReadError extends BridgeError {
  override readonly name = 'NotAReadError'
  readonly code = 'compare.not-a-read'
  readonly kind = 'client'

  constructor(method: string) {
    super(
      `${method} may change something: only GET and HEAD are compared, for a write would be done at both sides`,
    )
  }
}

/** @throws NotAReadError for a method that may change something */
export const readMethodOf = (method: string): Asking['method'] => {
  if (method === 'GET' || method === 'HEAD') return method
  throw new NotAReadError(method)
}

const SIDES: readonly Side[] = ['legacy', 'modern', 'facade']

/**
 * Asks all sides, one behind the other so that none slows another one down, and compares what they answer.
 *
 * @param turn the side that is asked first: by turns, for who comes second finds what the first has warmed up
 * @throws the signal's reason when that aborts
 */
export const compareSides = async (of: AddressedPath, asking: Asking, turn = 0): Promise<Round> => {
  const byTurns = [...SIDES.slice(turn % SIDES.length), ...SIDES.slice(0, turn % SIDES.length)]
  const found = new Map<Side, Asked>()
  for (const side of byTurns) found.set(side, await askOne(side, of, asking))
  const asked = SIDES.flatMap((side) => found.get(side) ?? [])
  const answered = asked.filter((one) => one.is === 'answered')
  const [legacy, modern, facade] = SIDES.map((side) => answered.find((one) => one.side === side))
  if (legacy === undefined || modern === undefined) return { asked, comparisons: [], verdict: 'failed' }
  const comparisons = [compareAnswers(of, legacy, modern)]
  if (facade !== undefined) {
    const pairs = (
      asking.owner === undefined ? [legacy, modern] : [asking.owner === 'aurora' ? legacy : modern]
    ).map((side) => compareAnswers(of, side, facade))
    const [best] = pairs.toSorted((one, other) => one.differences.length - other.differences.length)
    if (best !== undefined) comparisons.push(best)
  }
  const hasFailed = asked.some(({ is }) => is === 'failed')
  return { asked, comparisons, verdict: hasFailed ? 'failed' : worstOf(comparisons) }
}

const askOne = async (side: Side, { paths }: AddressedPath, asking: Asking): Promise<Asked> => {
  const { base, method, headers, caller = fetch, signal } = asking
  const named = { side, url: `${base}${paths[side]}` }
  try {
    const answer = await askSide(caller, named.url, { method, headers, signal })
    if (hasNoRoute(answer)) return { ...named, is: 'absent' }
    const refusal = refusalOf(answer)
    return refusal === undefined
      ? { ...named, is: 'answered', answer }
      : { ...named, is: 'failed', code: `compare.status-${answer.status}`, why: refusal }
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    return { ...named, is: 'failed', code: error.code, why: error.message }
  }
}

const worstOf = (comparisons: readonly AnswerComparison[]): AnswerVerdict => {
  const verdicts = comparisons.map(({ verdict }) => verdict)
  if (verdicts.includes('different')) return 'different'
  return verdicts.includes('behind') ? 'behind' : 'equal'
}
