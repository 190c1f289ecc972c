import { SqlError } from '../../drivers/sql-errors.ts'
import { BridgeError, ConfigurationError } from '../../model/errors.ts'

/** Triggers can't be made, or taken away, as it was tried. It says what mends that. */
export class TriggersRefusedError extends BridgeError {
  override readonly name = 'TriggersRefusedError'
  readonly code: `mirror.${'needs-direct' | 'needs-parameter' | 'needs-right'}`
  readonly kind = 'configuration'

  constructor(code: TriggersRefusedError['code'], why: string, options?: ErrorOptions) {
    super(why, options)
    this.code = code
  }
}

/** Others hold a table for longer than triggers are waited for. */
export class TableHeldError extends BridgeError {
  override readonly name = 'TableHeldError'
  readonly code = 'mirror.table-held'
  readonly kind = 'transient'

  constructor(table: string, holders: readonly string[], options?: ErrorOptions) {
    const by = holders.length === 0 ? 'nobody that this account may see' : holders.join('; ')
    super(
      `The table ${table} is held by others: ${by}. Nothing was changed; try again when they are done`,
      options,
    )
  }
}

const NEEDS_DIRECT = 1295
const NEEDS_PARAMETER = 1419
const RIGHTS: ReadonlySet<number> = new Set([1044, 1142, 1227, 1370, 1045])

/** What the server has said to a statement about triggers, with what mends it; the error itself where that is not known. */
export const explainedRefusal = (error: unknown, tables: readonly string[]): unknown => {
  if (!(error instanceof SqlError) || error.errno === undefined) return error
  const options = { cause: error }
  if (error.errno === NEEDS_DIRECT)
    return new TriggersRefusedError(
      'mirror.needs-direct',
      'The Data API makes no triggers: give the direct connection with --direct URL, or run what --print shows in a client of your own, as an account that stays',
      options,
    )
  if (error.errno === NEEDS_PARAMETER)
    return new TriggersRefusedError(
      'mirror.needs-parameter',
      "The server keeps a binary log, and takes triggers from this account only with the parameter log_bin_trust_function_creators = 1: set it in the cluster's parameter group",
      options,
    )
  if (RIGHTS.has(error.errno))
    return new TriggersRefusedError(
      'mirror.needs-right',
      `The account lacks a right: it needs TRIGGER and LOCK TABLES on ${tables.join(', ')}, and SELECT, INSERT, UPDATE and DELETE on the tables of the bridge`,
      options,
    )
  return error
}

/** @throws ConfigurationError naming the entities that are not mirrored */
export const notMirrored = (names: readonly string[]): ConfigurationError =>
  new ConfigurationError(names.map((name) => `${name} is not mirrored: its definition says no mirror`))
