/** What can go wrong on the way to a MySQL or MariaDB server. */
export type MysqlErrorCode =
  | 'mysql.not-found'
  | 'mysql.unusable-binary'
  | 'mysql.unsupported-version'
  | 'mysql.install-failed'
  | 'mysql.initialise-failed'
  | 'mysql.other-flavour'
  | 'mysql.incomplete-folder'
  | 'mysql.newer-folder'
  | 'mysql.already-running'
  | 'mysql.bad-url'
  | 'mysql.unreachable'
  | 'mysql.cannot-ask'
  | 'mysql.declined'

/** A MySQL server that cannot be had or used; `code` says why, the message says what to do. */
export class MysqlError extends Error {
  override readonly name = 'MysqlError'
  readonly code: MysqlErrorCode

  constructor(code: MysqlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
