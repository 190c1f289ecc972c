/**
 * What an error means for the change that met it:
 * - `data`: this change can't be applied as it is; others can.
 * - `dependency`: another row that this one needs is not there yet, or one that needs it still is.
 * - `transient`: the same call may succeed later.
 * - `configuration`: nothing will succeed until somebody repairs the set-up.
 * - `client`: what the caller asks of the store can't be, as the store is now; only a caller of the API meets it.
 * - `unknown`: none of the above could be told; treated as transient, never swallowed.
 */
export type ErrorKind = 'data' | 'dependency' | 'transient' | 'configuration' | 'client' | 'unknown'

/**
 * Which rule of a store's schema a change broke, in the schema's own names: a column and the entity's attribute that is
 * kept in it, a unique index, a constraint, a table. Never a value.
 */
export type BrokenRule = {
  /** What is wrong, as a predicate: `is too long`. */
  readonly says: string
  /** By its name in JSON: an attribute, or the list that has the column in its members. */
  readonly attribute?: string | undefined
  /** Of a list's members, the attribute that has the column. */
  readonly member?: string | undefined
  readonly column?: string | undefined
  readonly index?: string | undefined
  readonly constraint?: string | undefined
  readonly table?: string | undefined
}

/** The base of all errors of the bridge. The message names no customer's value; `cause` keeps the original. */
export abstract class BridgeError extends Error {
  abstract readonly code: string
  abstract readonly kind: ErrorKind
  /** Where it is about a rule of the schema, and that is known. */
  readonly broken: BrokenRule | undefined

  /** What is to stand with the change where it is set aside, for an operator; it may hold customers' values, and no log shows it. */
  get evidence(): string | undefined {
    return undefined
  }

  /** Whether the cause's text may quote a customer's value, so that no log may show it. */
  get causeQuotesData(): boolean {
    return false
  }
}

/** What an error of any origin means; an error that isn't ours is `unknown`. */
export const kindOf = (error: unknown): ErrorKind => (error instanceof BridgeError ? error.kind : 'unknown')

/** A setting that is missing or malformed. All faults are named at once. */
export class ConfigurationError extends BridgeError {
  override readonly name = 'ConfigurationError'
  readonly code = 'configuration.invalid'
  readonly kind = 'configuration'

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`Configuration: ${problems.join('; ')}`, options)
  }
}

/** A record that can't become a change: it says what is wrong, without the value. */
export class InvalidRecordError extends BridgeError {
  override readonly name = 'InvalidRecordError'
  readonly code = 'record.invalid'
  readonly kind = 'data'
}

/** A list of many members may have as many faults. */
const MOST_NAMED = 10

/** What a column holds is no value of the attribute's kind: thrown by its reader, which doesn't know whose it is. */
export class UnreadableValueError extends BridgeError {
  override readonly name = 'UnreadableValueError'
  readonly code = 'value.unreadable'
  readonly kind = 'data'
}

/**
 * A row that can't be told as it is, or couldn't be written back as it would be told. Each attribute to blame is named
 * with its kind and the rule that it breaks, without the value.
 */
export class UnreadableAttributesError extends BridgeError {
  override readonly name = 'UnreadableAttributesError'
  readonly code = 'row.unreadable'
  readonly kind = 'data'

  constructor(entity: string, faults: readonly string[]) {
    const more = faults.length > MOST_NAMED ? `; and ${faults.length - MOST_NAMED} more` : ''
    super(`A ${entity} can't be read: ${faults.slice(0, MOST_NAMED).join('; ')}${more}`)
  }
}

/** The time that an invocation has left doesn't suffice for what was about to start. */
export class DeadlineError extends BridgeError {
  override readonly name = 'DeadlineError'
  readonly code = 'deadline.exceeded'
  readonly kind = 'transient'
}
