import type { Kysely } from 'kysely'
import { InvokeError } from '../drivers/lambda/errors.ts'
import type { OwnerSignal } from '../drivers/owner-signal.ts'
import type { Change } from '../model/change.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import { legacyIdOf } from '../model/key.ts'
import type { DoneCall, KnownCall, LegacyCall, LegacyFunction, Meaning } from '../model/legacy-function.ts'
import { LegacyFunctionError } from '../model/legacy-function-error.ts'
import { meaningOfApi } from '../model/legacy-meaning.ts'
import type { FunctionCaller, Invoked } from '../ports/function-caller.ts'
import { inLanes } from '../runtime/lanes.ts'
import { pause } from '../runtime/retry.ts'
import { notTheOwner, ownerSignalAnswered } from './owner-answer.ts'

/** A change and how it is called for. */
export type Called = { readonly change: Change; readonly call: LegacyCall }

/** Why the end of a call isn't known, by the code that its error would have. */
export type Unclear = {
  /**
   * `threw`: it did, each time. `again`: it says that the same may succeed later. `cut`: it was ended, what it had begun may still
   * be done. `lost`: it may be running. `unavailable`: it has not run.
   */
  readonly how: 'threw' | 'again' | 'cut' | 'lost' | 'unavailable'
  readonly why: string
  readonly answer?: string | undefined
  readonly cause?: unknown
}

/** What became of a call. */
export type EndedCall = { readonly change: Change } & (
  | { readonly is: 'applied'; readonly legacyId: string | undefined }
  /** `unclear`: it may have been done in part. */
  | { readonly is: 'refused'; readonly error: Error; readonly unclear: boolean }
  | { readonly is: 'unclear'; readonly unclear: Unclear }
  /** A trigger has refused what the function wrote: it isn't the key's owner's to write. */
  | { readonly is: 'not-owner'; readonly signal: OwnerSignal; readonly error: LegacyFunctionError }
  /** There was no time to call. */
  | { readonly is: 'unbegun' }
  /** Nothing can be called, or be told of a call, until somebody repairs it. `unclear`: it may have been done. */
  | { readonly is: 'broken'; readonly error: BridgeError; readonly unclear: boolean }
)

export type CallParts = {
  readonly fn: LegacyFunction
  /** What it is called by: its ARN or name. */
  readonly functionName: string
  readonly caller: FunctionCaller
  readonly db: Kysely<unknown>
  /** Whether the time in which calls may begin isn't over. */
  readonly mayBegin: () => boolean
  /** How long an answer may be waited for, in milliseconds. */
  readonly patience: () => number
  /** Whether the rows of the entity are counted, so that the id of one that was made has to be told. */
  readonly isCounted: boolean
}

/** Pauses between the times that a call is made, in milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [100, 1_000]
/** How often a call is made that fails for a reason of its own. */
const ATTEMPTS = 3
/** How much longer than the function itself its answer may take, in milliseconds: it may have to be started first. */
export const ANSWER_ROOM = 10_000

/** What the runtime says of a function that can't be run at all, whatever the event. */
const SET_UP: ReadonlySet<string> = new Set([
  'Runtime.HandlerNotFound',
  'Runtime.ImportModuleError',
  'Runtime.InvalidEntrypoint',
  'Runtime.MalformedHandlerName',
  'Runtime.UserCodeSyntaxError',
])
/** Names of the runtime's own for a function that was ended, or has ended itself. */
const CUT = /^(?:Sandbox|Runtime|Extension)\./

/**
 * Calls the function for each of some changes: so many events at once, of so many changes each. None stops another one: what
 * several were called for at once and failed is called for in halves. It never throws.
 *
 * @returns what became of each, in any order
 */
export const callAll = async (all: readonly Called[], parts: CallParts): Promise<readonly EndedCall[]> => {
  const { batch, lanes } = parts.fn
  const groups = Array.from({ length: Math.ceil(all.length / batch) }, (_, at) =>
    all.slice(at * batch, (at + 1) * batch),
  )
  return (await inLanes(groups, lanes, (group) => callGroup(group, parts))).flat()
}

const callGroup = async (group: readonly Called[], parts: CallParts): Promise<readonly EndedCall[]> => {
  let last: readonly EndedCall[] = group.map(({ change }) => ({ change, is: 'unbegun' }))
  let rest = group
  const ended: EndedCall[] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await pause(attempt - 1, FIRST_PAUSE, LONGEST_PAUSE)
    if (!parts.mayBegin()) break
    const before = new Map(last.map((one) => [one.change, one]))
    last = (await callOnce(rest, parts)).map((one) => {
      const earlier = before.get(one.change)
      // That it was not called this time says nothing of the last time.
      return isUnavailable(one) && earlier !== undefined && earlier.is !== 'unbegun' ? earlier : one
    })
    const open = last.filter(mayBeCalledAgain)
    if (open.length === 0) break
    const settled = new Map((await askAll(rest, open, parts)).map((one) => [one.change, one]))
    last = last.map((one) => settled.get(one.change) ?? one)
    const left = new Set(last.filter(mayBeCalledAgain).map(({ change }) => change))
    ended.push(...last.filter(({ change }) => !left.has(change)))
    rest = rest.filter(({ change }) => left.has(change))
    last = last.filter(({ change }) => left.has(change))
    if (rest.length === 0) break
    if (rest.length > 1 && !last.every(isUnavailable)) {
      const middle = Math.ceil(rest.length / 2)
      for (const half of [rest.slice(0, middle), rest.slice(middle)])
        ended.push(...(await callGroup(half, parts)))
      return ended
    }
  }
  return [...ended, ...last]
}

const isUnavailable = (one: EndedCall): boolean => one.is === 'unclear' && one.unclear.how === 'unavailable'

/** Whether nothing of it can be at work any more, and it may be another one's fault, or have been passing. */
const mayBeCalledAgain = (one: EndedCall): boolean =>
  (one.is === 'unclear' &&
    (one.unclear.how === 'threw' || one.unclear.how === 'again' || one.unclear.how === 'unavailable')) ||
  (one.is === 'refused' && one.error instanceof LegacyFunctionError && one.error.inCompany)

/** Of calls that have failed, those that are done all the same. */
const askAll = async (
  group: readonly Called[],
  open: readonly EndedCall[],
  parts: CallParts,
): Promise<readonly EndedCall[]> => {
  const asked = new Set(open.flatMap((one) => (mayHaveBeenDone(one) ? [one.change] : [])))
  const settled: EndedCall[] = []
  for (const { change, call } of group) {
    if (!asked.has(change)) continue
    const one = await settledByDone(change, call, parts)
    if (one !== undefined) settled.push(one)
  }
  return settled
}

const mayHaveBeenDone = (one: EndedCall): boolean =>
  (one.is === 'unclear' && one.unclear.how !== 'unavailable') || (one.is === 'refused' && one.unclear)

/** What a call is by the team's own look at what was done; undefined: it was not, or nobody can tell. */
export const settledByDone = async (
  change: Change,
  call: KnownCall,
  { fn, db, isCounted }: Pick<CallParts, 'fn' | 'db' | 'isCounted'>,
): Promise<EndedCall | undefined> => {
  if (fn.done === undefined) return undefined
  let done: DoneCall | undefined
  try {
    done = await fn.done(call, db)
  } catch (cause) {
    if (cause instanceof BridgeError && kindOf(cause) !== 'data')
      return { change, is: 'broken', error: cause, unclear: true }
    const error = new LegacyFunctionError(
      'legacy-function.definition',
      'data',
      "done of the entity's legacyFunction has failed",
      { cause },
    )
    return { change, is: 'refused', error, unclear: true }
  }
  return done === undefined ? undefined : applied(change, call, done.legacyId, isCounted)
}

const applied = (
  change: Change,
  { op, legacyId: known }: KnownCall,
  told: DoneCall['legacyId'],
  isCounted: boolean,
): EndedCall => {
  if (!isCounted || op === 'delete') return { change, is: 'applied', legacyId: undefined }
  const id = told === undefined ? known : String(told)
  if (id !== undefined && legacyIdOf(id) !== undefined) return { change, is: 'applied', legacyId: id }
  const error = new LegacyFunctionError(
    'legacy-function.no-id',
    'data',
    'The function has made a row, and neither meaning nor done tells its id',
  )
  return { change, is: 'refused', error, unclear: true }
}

/** Makes one event of some changes, and has the function answer it once. */
const callOnce = async (group: readonly Called[], parts: CallParts): Promise<readonly EndedCall[]> => {
  const { fn, functionName, caller } = parts
  const all = (make: (change: Change) => EndedCall): readonly EndedCall[] =>
    group.map(({ change }) => make(change))
  const refusedAll = (error: LegacyFunctionError, unclear: boolean) =>
    all((change) => ({ change, is: 'refused', error, unclear }))
  const inCompany = group.length > 1
  const faulty = (message: string, cause?: unknown, unclear = false, answer?: string) =>
    refusedAll(
      new LegacyFunctionError('legacy-function.definition', 'data', message, { cause, answer, inCompany }),
      unclear,
    )

  const calls = group.map(({ call }) => call)
  let event: string | undefined
  try {
    event = JSON.stringify(fn.toEvent(calls))
  } catch (cause) {
    return faulty('toEvent has failed, or has made an event that JSON can not hold', cause)
  }
  if (event === undefined) {
    const what = [...new Set(calls.map(({ op }) => op))].join(', ')
    const message = `The function can't do this: toEvent makes no event of ${what}`
    return refusedAll(
      new LegacyFunctionError('legacy-function.no-event', 'data', message, { inCompany, rule: message }),
      false,
    )
  }
  let invoked: Invoked
  try {
    invoked = await caller.invoke(functionName, event, parts.patience())
  } catch (cause) {
    if (!(cause instanceof InvokeError)) throw cause
    if (cause.kind === 'data') return faulty(`The event can't be sent: ${cause.code}`, cause)
    if (cause.kind !== 'transient')
      return all((change) => ({ change, is: 'broken', error: notCallable(cause), unclear: false }))
    const how = cause.mayHaveRun ? 'lost' : 'unavailable'
    return all((change) => ({ change, is: 'unclear', unclear: { how, why: cause.code, cause } }))
  }
  const { text } = invoked
  const signal = ownerSignalAnswered(invoked, event)
  if (signal !== undefined && !inCompany)
    return all((change) => ({ change, is: 'not-owner', signal, error: notTheOwner(text) }))
  if (invoked.is === 'failed') {
    const { type } = invoked
    if (signal !== undefined) return refusedAll(notTheOwner(text, true), true)
    if (SET_UP.has(type))
      return all((change) => ({
        change,
        is: 'broken',
        error: notRunnable(functionName, type),
        unclear: false,
      }))
    const unclear: Unclear = { how: CUT.test(type) ? 'cut' : 'threw', why: nameOf(type), answer: text }
    return all((change) => ({ change, is: 'unclear', unclear }))
  }
  let told: Meaning | readonly Meaning[]
  try {
    told = fn.meaning?.(invoked.answer, calls) ?? meaningOfApi(invoked.answer)
  } catch (cause) {
    return faulty('meaning has failed on an answer', cause, true, text)
  }
  const meanings = isOfEach(told) ? told : calls.map(() => told)
  // Which of them it is only each call alone can tell.
  if (signal !== undefined && !isOfEach(told)) return refusedAll(notTheOwner(text, true), true)
  if (meanings.length !== calls.length)
    return faulty(`meaning tells ${meanings.length} of ${calls.length} calls`, undefined, true, text)
  return Promise.all(
    group.map(({ change, call }, at) =>
      signal !== undefined && meanings[at]?.is !== 'applied'
        ? { change, is: 'refused' as const, error: notTheOwner(text, true), unclear: true }
        : endOf(change, call, meanings[at], { ...parts, text, inCompany: inCompany && !isOfEach(told) }),
    ),
  )
}

const isOfEach = (told: Meaning | readonly Meaning[]): told is readonly Meaning[] => Array.isArray(told)

const endOf = async (
  change: Change,
  call: LegacyCall,
  meaning: Meaning | undefined,
  parts: CallParts & { readonly text: string; readonly inCompany: boolean },
): Promise<EndedCall> => {
  const { text: answer, inCompany, isCounted } = parts
  switch (meaning?.is) {
    case 'applied': {
      const ended = applied(change, call, meaning.legacyId, isCounted)
      if (ended.is === 'applied') return ended
      const asked = await settledByDone(change, call, parts)
      if (asked !== undefined) return asked
      const error = new LegacyFunctionError('legacy-function.no-id', 'data', messageOfNoId, { answer })
      return { change, is: 'refused', error, unclear: true }
    }
    case 'again':
      return { change, is: 'unclear', unclear: { how: 'again', why: meaning.why, answer } }
    case 'waits': {
      const message = `The function waits for something: ${meaning.why}`
      const error = new LegacyFunctionError('legacy-function.waits', 'dependency', message, {
        answer,
        inCompany,
      })
      return { change, is: 'refused', error, unclear: false }
    }
    default: {
      const { why = 'meaning tells nothing', unclear = false } = meaning ?? {}
      const message = `The function has refused it: ${why}`
      const how = { answer, inCompany, rule: message }
      const error = new LegacyFunctionError('legacy-function.refused', 'data', message, how)
      return { change, is: 'refused', error, unclear: unclear || meaning === undefined }
    }
  }
}

const messageOfNoId = 'The function has made a row, and neither meaning nor done tells its id'

const notCallable = (cause: InvokeError): LegacyFunctionError =>
  new LegacyFunctionError(
    'legacy-function.set-up',
    'configuration',
    `The function can't be called (${cause.code}): it has to be there, with lambda:InvokeFunction on it. On one machine BACKSYNC_FUNCTIONS names the module that plays it`,
    { cause },
  )

const notRunnable = (functionName: string, type: string): LegacyFunctionError =>
  new LegacyFunctionError('legacy-function.set-up', 'configuration', `${functionName} can't be run: ${type}`)

/** What was thrown is named by its author: nothing else than a name is told. */
const nameOf = (type: string): string => (/^[\w.$]{1,60}$/.test(type) ? type : 'an error')

/** What a call whose end isn't known is, once it is decided. @param kind `transient`: it comes again; `data`: it is set aside */
export const errorOfUnclear = (
  { how, why, answer, cause }: Unclear,
  kind: 'transient' | 'data',
): LegacyFunctionError => {
  const [code, message] = MESSAGES[how]
  return new LegacyFunctionError(code, kind, `${message}: ${why}`, { answer, cause })
}

const MESSAGES = {
  threw: ['legacy-function.threw', 'The function throws'],
  again: ['legacy-function.unclear', 'The function says that it may succeed later'],
  cut: ['legacy-function.unclear', 'The function was ended'],
  lost: ['legacy-function.unclear', 'The function has not answered'],
  unavailable: ['legacy-function.unavailable', 'The function could not be called'],
} as const
