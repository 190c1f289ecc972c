import { type Change, holdsAll } from '../model/change.ts'
import { generationOf, nextDerived } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Stored } from './stored.ts'

/** What makes a create repeatable: who repeats what. Neither the client's key nor its body can be read back from it. */
export type Once = {
  /**
   * Names the client's key within its scope: entity and caller. The same at either side, so that one's record is found from the
   * other; what the request makes has a key that is derived from it, unless it brings its own. 64 hexadecimal digits.
   */
  readonly id: string
  /** The ids that functions of the release before keep records under, for the week that these last. */
  readonly former?: FormerIds
  /** Tells whether a repeat is the same request. 64 hexadecimal digits. */
  readonly fingerprint: string
  /**
   * Only the key that is asked for may be made: where it was another life's, FormerKeyError tells the next one. For who has to
   * claim a key before it is made. @default the store makes the next one by itself
   */
  readonly only?: true
}

/** Ids that held where the request came in. */
export type FormerIds = Readonly<Record<'aurora' | 'dynamo' | 'facade', string>>

/** A create that is done once, and the answer that its state makes: a text that means nothing to the store. */
export type OnceRequest = Once & {
  readonly answer: (stored: Stored) => string
  /**
   * Asks the other store's records, where something is met that this store has no record of. @default nobody can ask there: what
   * is met is judged by itself
   */
  readonly elsewhere?: (change: Change) => Promise<Recalled | undefined>
}

/** What a store's records say of a request. */
export type Recalled =
  | { readonly is: 'done'; readonly answer: string }
  /**
   * It was done so long ago that it counts as new. `key`: what it had made, where that is known; `all`: everybody who may know of a
   * later one was asked, so that whatever is met is of one that is over.
   */
  | { readonly is: 'over'; readonly key: string | undefined; readonly all?: true }

/** The records of one store. Only who has met something under the key of a create asks them. */
export interface FirstAnswers {
  /**
   * @param change what the request makes
   * @throws KeyReusedError for another request's record, InProgressError for one without an answer that somebody is at work on,
   *   FormerKeyError where such a one makes another key than is asked for
   */
  recall(entity: Entity, change: Change, once: OnceRequest): Promise<Recalled | undefined>
}

/** What is kept of a create that was done. */
export type FirstAnswer = {
  readonly fingerprint: string
  readonly answer: string
  /** Names the call that has done it, where the store keeps that: two at once can make the very same answer. */
  readonly doneBy?: string
}

/** Whether an answer came from a record and not from this very request. */
export type OnceAnswer = { readonly answer: string; readonly replayed: boolean }

/** How long an answer is kept, in milliseconds: a week, so that a repeat outlives a weekend. */
export const KEPT_FOR = 7 * 24 * 60 * 60 * 1000

/** Asks several records, in turn: what one of them has done counts, whichever other one is over. */
export const recallFrom = async (
  asks: readonly (() => Promise<Recalled | undefined>)[],
): Promise<Recalled | undefined> => {
  let last: Recalled | undefined
  for (const ask of asks) {
    const said = await ask()
    if (said?.is === 'done') return said
    last ??= said
  }
  return last
}

/** Whether what has a key was made by a request that is over, and not by a later one with the same Idempotency-Key. */
export const isOfOver = (id: string, key: string, said: Recalled | undefined): boolean => {
  if (said?.is !== 'over') return false
  if (said.all || said.key === undefined || said.key === key) return true
  return isLater(id, said.key, key)
}

/** Whether a key of a scope is of a later life than another one. */
const isLater = (id: string, key: string, than: string): boolean => {
  const [its, own] = [generationOf(id, key), generationOf(id, than)]
  return its !== undefined && own !== undefined && its > own
}

/**
 * The key that a request makes where another one is a former request's.
 *
 * @param said what is known of the latest of those
 * @returns undefined when there is none: the key is the client's own, or there were too many
 */
export const nextKey = (id: string, key: string, said?: Recalled): string | undefined => {
  const latest = said?.is === 'over' && said.key !== undefined && isLater(id, said.key, key) ? said.key : key
  return nextDerived(id, latest)
}

/** A key that stands for one request was used for another one. */
export class KeyReusedError extends BridgeError {
  override readonly name = 'KeyReusedError'
  readonly code = 'once.key-reused'
  readonly kind = 'client'
}

/** The first request with a key is still being worked on, or nobody can tell yet. */
export class InProgressError extends BridgeError {
  override readonly name = 'InProgressError'
  readonly code = 'once.in-progress'
  readonly kind = 'client'
}

/** What was made with a request's key is so old that the request makes another one, which whoever asked has to claim first. */
export class FormerKeyError extends BridgeError {
  override readonly name = 'FormerKeyError'
  readonly code = 'once.former-key'
  readonly kind = 'client'
  /** The key that the request makes. */
  readonly next: string

  constructor(next: string) {
    super('The idempotency key was used long ago: this request makes another one')
    this.next = next
  }
}

/** A record that is none: somebody else has written it, and no repeat helps. */
export class IdempotencyRecordError extends BridgeError {
  override readonly name = 'IdempotencyRecordError'
  readonly code = 'idempotency.record'
  readonly kind = 'configuration'
}

/**
 * Answers a request from the record of its key.
 *
 * @param isOwn the record is this very request's, and only the word of it was lost
 * @throws KeyReusedError
 */
export const replay = (first: FirstAnswer, once: Once, isOwn = false): OnceAnswer => {
  if (first.fingerprint !== once.fingerprint) throw keyReused()
  return { answer: first.answer, replayed: !isOwn }
}

/** What has the key that only one request can have made, at a store without a record of that request. */
export type Met = {
  /** What is there now; undefined: it was deleted. */
  readonly stored: Stored | undefined
  /** When it was written, or deleted; null or undefined where that isn't known. */
  readonly written: string | null | undefined
  /** Something else shows that it was not this request, as its own record which has expired. */
  readonly isOther?: boolean
}

/** Whether what was written then is so old at a time that no repeat of a request of that time has written it. */
export const isFormer = (written: Met['written'], at: string): boolean =>
  typeof written === 'string' && Date.parse(written) <= Date.parse(at) - KEPT_FOR

/**
 * What a request answers that has met something under the key which is derived from it: then it was done at the other side; or
 * long ago, by a request that no repeat can come of any more.
 *
 * @param made what the request makes
 * @param at when it is made: ISO 8601, UTC
 * @returns `former` for what was made so long ago: the request makes the next key's
 * @throws KeyReusedError where what is there shows that it was another request
 */
export const meet = (
  { stored, written, isOther = false }: Met,
  made: Stored,
  at: string,
): Stored | 'former' => {
  if (isOther || isFormer(written, at)) return 'former'
  if (stored === undefined) return made
  if (stored.version === made.version && !holdsAll(stored.row, made.row)) throw keyReused()
  return stored
}

export const keyReused = (): KeyReusedError =>
  new KeyReusedError('The idempotency key was used for another request')

export const stillInProgress = (): InProgressError =>
  new InProgressError('A request with this idempotency key is in progress')
