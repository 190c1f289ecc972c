import type { Kysely } from 'kysely'
import { type Batch, toBatches } from '../aurora/batch.ts'
import type { CallState } from '../aurora/call-statements.ts'
import { type Judged, judge, judgeDelete } from '../aurora/judge.ts'
import { withKnownIds } from '../aurora/known-ids.ts'
import { hasOwnKey } from '../aurora/part-sql.ts'
import { besideError } from '../aurora/signalled.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type Change, coalesce } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { type BridgeError, ConfigurationError } from '../model/errors.ts'
import type { LegacyFunction } from '../model/legacy-function.ts'
import { type LegacyFunctionCode, LegacyFunctionError } from '../model/legacy-function-error.ts'
import {
  type ApplyOutcome,
  nothingApplied,
  type Overruled,
  type PartialOutcome,
  type Refused,
  sum,
  UnsettledError,
} from '../model/outcome.ts'
import type { Owner } from '../model/owner.ts'
import type { EntityWriter } from '../ports/entity-writer.ts'
import type { FunctionCaller } from '../ports/function-caller.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import {
  type Called,
  type CallParts,
  callAll,
  type EndedCall,
  errorOfUnclear,
  type Unclear,
} from './calls.ts'
import { ClaimTime } from './claim-time.ts'
import { settleLeft } from './left.ts'
import { madeCall } from './made-call.ts'
import { CallClaim } from './under-claim.ts'

/** Changes that are claimed at once. */
const MOST = 100
/** How often a claim that somebody else's end has overtaken is tried again. */
const ROUNDS = 4
/**
 * For how long a change comes again, in seconds, whose call has no clear end while no other one has any either: from then on it is
 * taken for its own fault.
 */
const PATIENCE = 15 * 60

export type CallingParts = {
  readonly db: Kysely<unknown>
  readonly caller: FunctionCaller
  /** What functions are called by, by the names of their entities, where their definitions don't say it. */
  readonly functions: Readonly<Record<string, string>>
  readonly deadline: Deadline
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** What became of some changes that were claimed together. */
type Round = {
  readonly outcome: PartialOutcome
  /** Calls whose end isn't known, each with the seconds for which that is so. */
  readonly unclear: readonly { readonly change: Change; readonly unclear: Unclear; readonly age: number }[]
  /** Others are calling for these keys. */
  readonly busy: number
  /** Those for which there was no time, or that somebody has overtaken: to be claimed once more. */
  readonly rest: readonly Change[]
  /** Whether the function has answered anything that is clear. */
  readonly passed: boolean
  readonly broken: BridgeError | undefined
}

/**
 * Writes entities whose writes a function of the team's own makes. The function carries none of our conditions: so they are
 * asked for in the statement that claims a key for a call, no other call begins while one may have an effect, and the record is
 * stamped under that claim. A call whose end is not known is made once more, unless `done` tells that it was done.
 */
export class CallingWriter implements EntityWriter {
  readonly #parts: CallingParts

  constructor(parts: CallingParts) {
    this.#parts = { ...parts, db: idempotently(parts.db) }
  }

  async apply(entity: Entity, changes: readonly Change[], by: Owner = 'aurora'): Promise<ApplyOutcome> {
    const { refused, applied, skipped, repeated } = await this.#applyAll(entity, changes, by)
    if (refused[0]) throw refused[0].error
    return { applied, skipped, repeated }
  }

  async applyIsolating(entity: Entity, changes: readonly Change[]): Promise<PartialOutcome> {
    return this.#applyAll(entity, changes, 'dynamo')
  }

  async #applyAll(entity: Entity, changes: readonly Change[], by: Owner): Promise<PartialOutcome> {
    const rounds: Round[] = []
    let overtaken = 0
    let open = coalesce(changes)
    while (open.length > 0) {
      const [batch] = toBatches(entity, open.slice(0, MOST), by)
      if (batch === undefined) break
      const round = await this.#claimed(batch)
      rounds.push(round)
      if (round.broken !== undefined) throw round.broken
      const isStuck = round.rest.length === batch.changes.length
      overtaken = isStuck ? overtaken + 1 : 0
      if (overtaken >= ROUNDS)
        throw new UnsettledError(`Calls for changes of ${entity.name} did not settle in ${ROUNDS} rounds`)
      open = [...round.rest, ...open.slice(batch.changes.length)]
    }
    return this.#decided(entity, rounds)
  }

  /** Decides what unclear ends mean, now that it is known whether others had a clear one. @throws BridgeError */
  #decided(entity: Entity, rounds: readonly Round[]): PartialOutcome {
    const { log, metrics } = this.#parts
    const outcome = sum(rounds.map((round) => round.outcome))
    const unclear = rounds.flatMap((round) => round.unclear)
    const passed = rounds.some((round) => round.passed)
    const isItsOwn = ({ unclear: { how }, age }: (typeof unclear)[number]): boolean =>
      how === 'threw' || (how !== 'unavailable' && (passed || age >= PATIENCE))
    metrics.count('CallsUnclear', entity.name, unclear.length)
    metrics.count('CallsRefused', entity.name, rounds.flatMap(({ outcome: of }) => of.refused).length)
    for (const { change, unclear: one, age } of unclear)
      log.warn('a call has no clear end', {
        ...{ entity: entity.name, key: change.key, version: change.version, how: one.how, why: one.why, age },
      })
    const [again] = unclear.filter((one) => !isItsOwn(one))
    if (again !== undefined) throw errorOfUnclear(again.unclear, 'transient')
    if (rounds.some(({ busy }) => busy > 0))
      throw new LegacyFunctionError(
        'legacy-function.busy',
        'transient',
        `The legacyFunction of ${entity.name} is being called for the same key by another one`,
      )
    const refused = unclear.map(
      ({ change, unclear: one }): Refused => ({ change, error: errorOfUnclear(one, 'data') }),
    )
    return { ...outcome, refused: [...outcome.refused, ...refused] }
  }

  /** Claims changes, calls for those that win, and stamps what was done. */
  async #claimed(unknown: Batch): Promise<Round> {
    const { entity } = unknown
    const { db, deadline, metrics } = this.#parts
    const fn = functionOf(entity)
    const time = new ClaimTime(fn, deadline)
    const batch = await withKnownIds(db, unknown)
    const claim = new CallClaim(db)
    await claim.take(batch, time.seconds())
    const parts: CallParts = {
      ...{ fn, functionName: this.#nameOf(entity, fn), caller: this.#parts.caller, db: this.#parts.db },
      ...{ mayBegin: () => time.mayBegin(), patience: () => time.patience(), isCounted: !hasOwnKey(entity) },
    }
    const { states, settled } = await settleLeft(batch, await claim.read(batch), claim, parts)

    const overruled: Overruled[] = []
    const ended: EndedCall[] = [...settled.values()]
    const given: Change[] = []
    const rest: Change[] = []
    const called: Called[] = []
    const absent: Change[] = []
    let busy = 0
    let skipped = 0
    for (const change of batch.changes) {
      const state = states.get(change.key)
      if (state === undefined || settled.has(change)) continue
      const isMine = Number(state.mine) === 1
      const judged = judgedOf(entity, change, state, unknown.by)
      if (judged.is !== 'open') {
        if (isMine) given.push(change)
        if (judged.is === 'overruled') {
          skipped += 1
          overruled.push(judged.overruled)
        } else ended.push({ change, is: 'refused', error: judged.error, unclear: false })
      } else if (!isMine && isGone(change, state)) skipped += 1
      else if (!isMine && Number(state.live) === 1) busy += 1
      else if (!isMine) rest.push(change)
      else if (change.op === 'delete' && state.id === null) absent.push(change)
      else called.push({ change, call: madeCall(entity, change, state) })
    }
    const answers = await callAll(called, parts)
    for (const one of await this.#owned(batch, answers, claim)) {
      if (one.is !== 'overruled') ended.push(one)
      else {
        skipped += 1
        overruled.push(one.overruled)
        given.push(one.change)
      }
    }
    metrics.count('Called', entity.name, called.length)
    rest.push(...ended.flatMap((one) => (one.is === 'unbegun' ? [one.change] : [])))
    const { refused, lost, unfounded } = await this.#stamped(batch, ended, absent, given, claim)
    const isUndone = (change: Change): boolean => lost.includes(change) || unfounded.has(change)
    const done = ended.filter((one) => one.is === 'applied' && !isUndone(one.change))
    return {
      outcome: {
        ...nothingApplied,
        applied: done.length,
        skipped: skipped + absent.filter((change) => !isUndone(change)).length,
        refused,
        overruled,
      },
      unclear: ended.flatMap((one) =>
        one.is === 'unclear'
          ? [{ change: one.change, unclear: one.unclear, age: Number(states.get(one.change.key)?.age ?? 0) }]
          : [],
      ),
      busy: busy + lost.length,
      rest,
      passed: answers.some(isClear),
      broken: ended.find((one) => one.is === 'broken')?.error,
    }
  }

  /** What becomes of calls whose writes a trigger has refused for the key's owner: the record says whose it is by now. */
  async #owned(
    batch: Batch,
    answers: readonly EndedCall[],
    claim: CallClaim,
  ): Promise<readonly (Exclude<EndedCall, { readonly is: 'not-owner' }> | OverruledCall)[]> {
    const keys = new Set(answers.flatMap((one) => (one.is === 'not-owner' ? [one.change.key] : [])))
    const asked = batch.only(({ key }) => keys.has(key))
    const states = keys.size === 0 ? new Map<string, CallState>() : await claim.read(asked)
    return answers.map((one) => {
      if (one.is !== 'not-owner') return one
      const { change, signal, error: own } = one
      const state = states.get(change.key)
      const judged = state && judgedOf(batch.entity, change, state, batch.by)
      if (judged?.is === 'overruled') return { change, is: 'overruled', overruled: judged.overruled }
      const open =
        batch.by === 'dynamo' ? own : besideError(batch.entity, change, batch.by, { signal, cause: own })
      return { change, is: 'refused', error: judged?.is === 'refused' ? judged.error : open, unclear: false }
    })
  }

  /** Records what was done, and gives free or leaves what was not. */
  async #stamped(
    batch: Batch,
    ended: readonly EndedCall[],
    absent: readonly Change[],
    given: readonly Change[],
    claim: CallClaim,
  ): Promise<Stamped> {
    const ids = new Map(ended.map((one) => [one.change, one.is === 'applied' ? one.legacyId : undefined]))
    const done = new Set(ended.flatMap((one) => (one.is === 'applied' ? [one.change] : [])))
    const toStamp = batch.only((change) => done.has(change) || absent.includes(change))
    const refused: Refused[] = ended.flatMap((one) =>
      one.is === 'refused' ? [{ change: one.change, error: one.error }] : [],
    )
    const lost: Change[] = []
    const left = new Set(ended.flatMap((one) => (isLeft(one) ? [one.change] : [])))
    const unfounded = new Set<Change>()
    if (toStamp.changes.length > 0) {
      const count = await claim.stamp(toStamp, (change) => ids.get(change))
      if (count < toStamp.changes.length)
        for (const [change, state] of await this.#unstamped(toStamp, claim)) {
          if (Number(state.mine) !== 1) lost.push(change)
          else {
            left.add(change)
            unfounded.add(change)
            refused.push({ change, error: unfoundedError(change) })
          }
        }
    }
    const over = new Set([...given, ...ended.flatMap((one) => (isOver(one) ? [one.change] : []))])
    await claim.end(batch.only((change) => over.has(change)))
    await claim.leave(batch.only((change) => left.has(change)))
    return { refused, lost, unfounded }
  }

  /** Of changes that were to be stamped, those that the store doesn't hold at their version. */
  async #unstamped(batch: Batch, claim: CallClaim): Promise<readonly (readonly [Change, CallState])[]> {
    const states = await claim.read(await withKnownIds(this.#parts.db, batch))
    return batch.changes.flatMap((change) => {
      const state = states.get(change.key)
      if (state === undefined) return []
      const version = change.op === 'delete' ? state.gone : state.held
      return version !== null && BigInt(version) >= change.version ? [] : [[change, state] as const]
    })
  }

  /** @throws ConfigurationError */
  #nameOf({ name }: Entity, { functionArn }: LegacyFunction): string {
    const found = this.#parts.functions[name] ?? functionArn
    if (found !== undefined) return found
    throw new ConfigurationError([`LEGACY_FUNCTIONS names no function that writes ${name}`])
  }
}

type OverruledCall = {
  readonly change: Change
  readonly is: 'overruled'
  readonly overruled: Overruled
}

type Stamped = {
  readonly refused: readonly Refused[]
  /** Those of the refused that were answered as applied. */
  readonly unfounded: ReadonlySet<Change>
  /** Applied, but by now somebody else is calling: what that makes of it is not known. */
  readonly lost: readonly Change[]
}

/** @throws TypeError */
const functionOf = ({ name, legacyFunction }: Entity): LegacyFunction => {
  if (legacyFunction !== undefined) return legacyFunction
  throw new TypeError(`No function writes ${name}`)
}

/** What a change meets that is not its own call. */
const judgedOf = (entity: Entity, change: Change, state: CallState, by: Owner): Judged => {
  if (change.op !== 'delete') return judge(entity, change, state, by)
  const judged = judgedByTombstone(entity, change, state, by)
  return isOthers(judged)
    ? { is: 'open' }
    : judged.is === 'open'
      ? judgeDelete(entity, change, { ...state, known: state.known_to_delete, free: 0 }, by)
      : judged
}

/** What a tombstone says of whose its key is, against a delete that finds no row. */
const judgedByTombstone = (entity: Entity, change: Change, state: CallState, by: Owner): Judged =>
  change.op === 'delete' && state.held === null && state.gone !== null
    ? judge(entity, change, { ...state, gone: '0', taken: 0, missing: 0 }, by)
    : { is: 'open' }

/** Whether it is about a key of the other store's, of which there is nothing that could be lost. */
const isOthers = (judged: Judged): boolean =>
  judged.is === 'overruled' && judged.overruled.authority === 'foreign'

/** Whether what is to be deleted has been, at this version or a later one. */
const isGone = ({ op, version }: Change, { held, gone }: CallState): boolean =>
  op === 'delete' && held === null && gone !== null && BigInt(gone) >= version

/** What a function says of a change by an answer of its own. */
const CLEAR: ReadonlySet<string> = new Set<LegacyFunctionCode>([
  'legacy-function.refused',
  'legacy-function.waits',
  'legacy-function.no-id',
])

const isClear = (one: EndedCall): boolean =>
  one.is === 'applied' ||
  one.is === 'not-owner' ||
  (one.is === 'refused' && one.error instanceof LegacyFunctionError && CLEAR.has(one.error.code))

/** Whether it is over without an effect. */
const isOver = (one: EndedCall): boolean =>
  (one.is === 'refused' && !one.unclear) ||
  one.is === 'unbegun' ||
  (one.is === 'broken' && !one.unclear) ||
  (one.is === 'unclear' && one.unclear.how === 'unavailable')

/** Whether it may have had one, and can have no more. */
const isLeft = (one: EndedCall): boolean =>
  ((one.is === 'refused' || one.is === 'broken') && one.unclear) ||
  (one.is === 'unclear' && (one.unclear.how === 'threw' || one.unclear.how === 'again'))

const unfoundedError = ({ op }: Change): LegacyFunctionError =>
  op === 'delete'
    ? new LegacyFunctionError(
        'legacy-function.row-left',
        'data',
        'The function has deleted the row, it says, and it is there',
      )
    : new LegacyFunctionError(
        'legacy-function.no-row',
        'data',
        'The function has written the row, it says, and there is none',
      )
