import type { ExecuteStatementCommandInput, SqlParameter } from '@aws-sdk/client-rds-data'
import { BridgeError } from '../../model/errors.ts'

/**
 * Bytes that a request may have, its headers among them.
 * @see RDS Data API reference, ExecuteStatement: 4 MiB
 */
export const REQUEST_LIMIT = 4 * 1024 * 1024
/** Kept free for headers: a session token has some kilobytes. */
const HEADERS = 16 * 1024
/** Characters of SQL text, parameters not counted. */
export const SQL_LIMIT = 65_536

/** A statement that the service would refuse for its size. It was not sent. */
export class StatementTooLargeError extends BridgeError {
  override readonly name = 'StatementTooLargeError'
  readonly code = 'data-api.too-large'
  readonly kind = 'data'
  readonly size: number
  readonly limit: number

  constructor(what: string, size: number, limit: number) {
    super(`${what} has ${size}; the Data API takes ${limit}. Nothing was sent: split it`)
    this.size = size
    this.limit = limit
  }
}

/** No character takes more bytes in a request: a control character is written as `\u0001`. */
const BYTES_PER_CHARACTER = 6
/** What a parameter takes beside its name and its text: its members' names, a number. */
const BYTES_PER_PARAMETER = 120

/** @throws StatementTooLargeError when the text alone or the whole request is too large */
export const requireRequestSize = (input: ExecuteStatementCommandInput): void => {
  const { sql = '' } = input
  if (sql.length > SQL_LIMIT)
    throw new StatementTooLargeError('The SQL text, in characters,', sql.length, SQL_LIMIT)
  // Nearly every request is far below the limit: only one that may not be is written out to be measured.
  if (atMost(input) <= REQUEST_LIMIT - HEADERS) return
  const parameters = input.parameters?.map(asOnTheWire)
  const size = Buffer.byteLength(JSON.stringify({ ...input, parameters }))
  if (size > REQUEST_LIMIT - HEADERS)
    throw new StatementTooLargeError('The request, in bytes,', size, REQUEST_LIMIT - HEADERS)
}

/** More bytes than the request has, found without writing it. What isn't counted is far less than the headers' share. */
const atMost = ({ sql = '', parameters = [] }: ExecuteStatementCommandInput): number => {
  let bytes = sql.length * BYTES_PER_CHARACTER + HEADERS
  for (const { name = '', value } of parameters) {
    const characters = name.length + (value?.stringValue?.length ?? 0) + (value?.blobValue?.length ?? 0)
    bytes += characters * BYTES_PER_CHARACTER + BYTES_PER_PARAMETER
  }
  return bytes
}

/** Bytes travel as base64. */
const asOnTheWire = ({ value, ...rest }: SqlParameter): object =>
  value?.blobValue === undefined
    ? { ...rest, value }
    : { ...rest, value: { blobValue: 'x'.repeat(4 * Math.ceil(value.blobValue.length / 3)) } }
