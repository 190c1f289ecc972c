import { describeRule } from '../drivers/sql-rules.ts'
import { BridgeError, type BrokenRule, type ErrorKind } from '../model/errors.ts'

/** The key is the id of a row that has a key of its own. */
export class KeyTakenError extends BridgeError {
  override readonly name = 'KeyTakenError'
  readonly code = 'key.taken'
  readonly kind = 'data'
}

/** The key differs from a row's in case, accents or trailing blanks only, and the table can't hold both. */
export class KeyCollationError extends BridgeError {
  override readonly name = 'KeyCollationError'
  readonly code = 'key.collation'
  readonly kind = 'data'

  constructor({ name }: { readonly name: string }) {
    super(`The table of ${name} takes the key for another row's, from which it differs`)
  }
}

/** A row that the change refers to is not there. */
export class MissingParentError extends BridgeError {
  override readonly name = 'MissingParentError'
  readonly code = 'parent.missing'
  readonly kind = 'dependency'
}

/** A rule of the schema that a change broke, in the entity's words; what the database said is its cause. */
export class BrokenRuleError extends BridgeError {
  override readonly name = 'BrokenRuleError'
  /** The database's own: `mysql.1406`. */
  readonly code: string
  readonly kind: ErrorKind
  override readonly broken: BrokenRule

  constructor(broken: BrokenRule, cause: BridgeError) {
    super(`${describeRule(broken)}: ${cause.message}`, { cause })
    this.code = cause.code
    this.kind = cause.kind
    this.broken = broken
  }
}
