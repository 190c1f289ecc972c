import { BridgeError, type BrokenRule, type ErrorKind } from './errors.ts'

/** What became of a call of a team's own function, as the code of its error says it. */
export type LegacyFunctionCode =
  /** It said that this can't be done as it is. */
  | 'legacy-function.refused'
  /** It said that something else has to come or go first. */
  | 'legacy-function.waits'
  /** A trigger has refused what it writes, since DynamoDB owns it. */
  | 'legacy-function.not-the-owner'
  /** It has no way to do this: its definition makes no event of it. */
  | 'legacy-function.no-event'
  /** What its definition makes of it can't be sent, or its own code failed on it. */
  | 'legacy-function.definition'
  /** It threw, each time. */
  | 'legacy-function.threw'
  /** It was cut off, ended its process, said that the same may succeed later, or gave no answer. */
  | 'legacy-function.unclear'
  /** It said that a row was made, and not which. */
  | 'legacy-function.no-id'
  /** It said that it was done, and no such row is there. */
  | 'legacy-function.no-row'
  /** It said that a row was deleted that is there. */
  | 'legacy-function.row-left'
  /** It was not called: there were too many calls of it, or the service failed. */
  | 'legacy-function.unavailable'
  /** Somebody else calls it for the same key. */
  | 'legacy-function.busy'
  /** It can't be called at all: a right is missing, or the function. */
  | 'legacy-function.set-up'

/** The most that is kept of an answer, in characters. */
const LONGEST_ANSWER = 4_000
/** The most that is told of why. */
const LONGEST_WHY = 300

/** A call of the function that makes an entity's writes has not done what it was to do. */
export class LegacyFunctionError extends BridgeError {
  override readonly name = 'LegacyFunctionError'
  readonly code: LegacyFunctionCode
  readonly kind: ErrorKind
  override readonly broken: BrokenRule | undefined
  readonly #answer: string | undefined
  readonly #inCompany: boolean

  /**
   * @param how.answer what it has answered, as text: it may hold customers' values, and stands with the parked change only
   * @param how.rule what the client gets told
   * @param how.inCompany it was said of several at once, so that another one may be to blame. @default false
   */
  constructor(
    code: LegacyFunctionCode,
    kind: ErrorKind,
    message: string,
    {
      answer,
      rule,
      inCompany = false,
      ...options
    }: ErrorOptions & {
      readonly answer?: string | undefined
      readonly rule?: string
      readonly inCompany?: boolean
    } = {},
  ) {
    super(bounded(message, LONGEST_WHY), options)
    this.code = code
    this.kind = kind
    this.broken = rule === undefined ? undefined : { says: bounded(rule, LONGEST_WHY) }
    this.#inCompany = inCompany
    this.#answer = answer === undefined ? undefined : bounded(answer, LONGEST_ANSWER)
  }

  get inCompany(): boolean {
    return this.#inCompany
  }

  /** No property of its own: logs show those. */
  override get evidence(): string | undefined {
    return this.#answer
  }

  override get causeQuotesData(): boolean {
    return true
  }
}

const bounded = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`
