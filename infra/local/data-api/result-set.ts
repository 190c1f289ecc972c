import { type Column, columnMetadata } from './columns.ts'
import { DataApiError, type ErrorForm, invalid } from './errors.ts'
import { limits } from './limits.ts'
import { type Encoder, encoderFor, type ResultOptions } from './values.ts'

export type ResultSetOptions = ResultOptions & {
  readonly json: boolean
  readonly metadata: boolean
  /** whether a row of more than 64 KiB is refused */
  readonly limitRows: boolean
  readonly form: ErrorForm
}

/** AWS documents the text; the exception's name is the one that its model has for a result that is too large. */
const rowTooLarge = (form: ErrorForm): DataApiError =>
  new DataApiError(
    form === 'v1' ? 'BadRequestException' : 'UnsupportedResultException',
    'Packet for query is too large',
  )

const tooLarge = ({ json, form }: ResultSetOptions): DataApiError => {
  if (json)
    return new DataApiError('BadRequestException', 'The formatted result exceeds the size limit 10 MB')
  return form === 'v1'
    ? new DataApiError('BadRequestException', 'Database returned more than the allowed response size limit')
    : new DataApiError('UnsupportedResultException', 'The result exceeds the size limit 1 MB')
}

/**
 * Collects a result set as the text of the answer, row by row, and no more of it than may be answered.
 *
 * @throws from the constructor: UnsupportedResultException for a column's type, ValidationException when a JSON
 *   result has two columns of one name; from `add`: UnsupportedResultException (v2) or BadRequestException over a limit
 */
export class ResultSet {
  readonly #columns: readonly Column[]
  readonly #encoders: readonly Encoder[]
  readonly #prefixes: readonly string[]
  readonly #options: ResultSetOptions
  readonly #rows: string[] = []
  #bytes = 0
  #rowBytes = 0

  constructor(columns: readonly Column[], options: ResultSetOptions) {
    this.#columns = columns
    this.#options = options
    this.#encoders = columns.map((column) => encoderFor(column, options))
    this.#prefixes = columns.map(({ label }) => `${JSON.stringify(label)}:`)
    if (options.json && new Set(this.#prefixes).size < columns.length) {
      throw invalid('The result contains duplicate column names: give each column an alias of its own')
    }
  }

  add(row: readonly unknown[]): void {
    const { json, limitRows, form } = this.#options
    this.#rowBytes = 0
    const text = json ? this.#jsonRow(row) : this.#fieldRow(row)
    if (limitRows && this.#rowBytes > limits.rowBytes) throw rowTooLarge(form)
    this.#bytes += json ? Buffer.byteLength(text) + 1 : this.#rowBytes
    if (this.#bytes > (json ? limits.formattedBytes : limits.resultBytes)) throw tooLarge(this.#options)
    this.#rows.push(text)
  }

  /** The answer's body. */
  toJson(): string {
    if (this.#options.json) {
      return `{"numberOfRecordsUpdated":0,"formattedRecords":${JSON.stringify(`[${this.#rows.join(',')}]`)}}`
    }
    const metadata = this.#options.metadata
      ? `,"columnMetadata":${JSON.stringify(this.#columns.map(columnMetadata))}`
      : ''
    return `{"numberOfRecordsUpdated":0,"records":[${this.#rows.join(',')}]${metadata}}`
  }

  #fieldRow(row: readonly unknown[]): string {
    const fields = this.#encoders.map((encode, index) => {
      const value = row[index]
      if (value === null || value === undefined) return '{"isNull":true}'
      const { kind, json, bytes } = encode(value)
      this.#rowBytes += bytes
      return `{"${kind}":${json}}`
    })
    return `[${fields.join(',')}]`
  }

  #jsonRow(row: readonly unknown[]): string {
    const members = this.#encoders.map((encode, index) => {
      const value = row[index]
      if (value === null || value === undefined) return `${this.#prefixes[index]}null`
      const { json, bytes } = encode(value)
      this.#rowBytes += bytes
      return `${this.#prefixes[index]}${json}`
    })
    return `{${members.join(',')}}`
  }
}
