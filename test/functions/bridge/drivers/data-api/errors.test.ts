import { describe, expect, it } from '@jest/globals'
import { DataApiError, parseDatabaseError } from '../../../../../functions/bridge/drivers/data-api/errors.ts'

const named = (name: string, message = 'text', more: object = {}): Error =>
  Object.assign(new Error(message), { name }, more)
const errorOf = (cause: unknown): DataApiError => new DataApiError('ExecuteStatement', cause)
const mysql = (errno: number): DataApiError =>
  errorOf(named('DatabaseErrorException', `text; Error code: ${errno}; SQLState: HY000`))

describe("the service's text of an error of MySQL", () => {
  it.each<
    [string, string, string, { errno: number; sqlState: string | undefined; text: string } | undefined]
  >([
    [
      'the current form',
      'DatabaseErrorException',
      "Table 'a.b' doesn't exist; Error code: 1146; SQLState: 42S02",
      { errno: 1146, sqlState: '42S02', text: "Table 'a.b' doesn't exist" },
    ],
    [
      'the form of the first generation',
      'BadRequestException',
      'Database error code: 1146. Message: Table missing',
      { errno: 1146, sqlState: undefined, text: 'Table missing' },
    ],
    [
      "a customer's value in its middle that looks like the end",
      'DatabaseErrorException',
      "Data too long: 'x; Error code: 1062; SQLState: 23000' for column 'a'; Error code: 1406; SQLState: 22001",
      {
        errno: 1406,
        sqlState: '22001',
        text: "Data too long: 'x; Error code: 1062; SQLState: 23000' for column 'a'",
      },
    ],
    [
      "a customer's value in its middle that looks like the beginning",
      'DatabaseErrorException',
      "Duplicate entry 'Database error code: 1213. Message: ' for key 'k'; Error code: 1062; SQLState: 23000",
      {
        errno: 1062,
        sqlState: '23000',
        text: "Duplicate entry 'Database error code: 1213. Message: ' for key 'k'",
      },
    ],
    [
      "a customer's value in the first generation's form",
      'BadRequestException',
      "Database error code: 1406. Message: too long: 'x; Error code: 1213; SQLState: 40001' for column 'a'",
      {
        errno: 1406,
        sqlState: undefined,
        text: "too long: 'x; Error code: 1213; SQLState: 40001' for column 'a'",
      },
    ],
    [
      'a value alone, without the place',
      'DatabaseErrorException',
      "'; Error code: 1062; SQLState: 23000' is wrong",
      undefined,
    ],
    [
      'line feeds in it',
      'DatabaseErrorException',
      'syntax near\n1; Error code: 1064; SQLState: 42000\n',
      { errno: 1064, sqlState: '42000', text: 'syntax near\n1' },
    ],
    ['no number', 'BadRequestException', 'Communications link failure', undefined],
    ['another exception', 'ForbiddenException', 'x; Error code: 1062; SQLState: 23000', undefined],
  ])('is read with %s', (_, name, message, parsed) => {
    expect(parseDatabaseError(name, message)).toEqual(parsed)
  })
})

describe('an error of the Data API', () => {
  it('names the operation, the exception and the number, and none of the text', () => {
    const cause = named(
      'DatabaseErrorException',
      "Duplicate entry 'hunter2'; Error code: 1062; SQLState: 23000",
      {
        $metadata: { requestId: 'req-1' },
      },
    )
    const error = errorOf(cause)

    expect(error.message).toBe('ExecuteStatement: DatabaseErrorException (MySQL error 1062, SQLSTATE 23000)')
    expect(error.stack).not.toContain('hunter2')
    expect(error).toMatchObject({
      name: 'DataApiError',
      code: 'mysql.1062',
      kind: 'dependency',
      exception: 'DatabaseErrorException',
      errno: 1062,
      sqlState: '23000',
      requestId: 'req-1',
    })
    expect(error.cause).toBe(cause)
  })

  it('of the first generation has no SQLSTATE', () => {
    const error = errorOf(named('BadRequestException', 'Database error code: 1213. Message: Deadlock'))

    expect(error.message).toBe('ExecuteStatement: BadRequestException (MySQL error 1213, SQLSTATE unknown)')
    expect(error).toMatchObject({ kind: 'transient', code: 'mysql.1213', sqlState: undefined })
  })

  it.each([1048, 1264, 1265, 1292, 1364, 1366, 1406, 3819])('%d is about the data', (errno) => {
    expect(mysql(errno).kind).toBe('data')
  })
  it.each([1062, 1216, 1217, 1451, 1452])('%d is about another row', (errno) => {
    expect(mysql(errno).kind).toBe('dependency')
  })
  it.each([1040, 1053, 1203, 1205, 1213, 1226, 1290, 1317, 1615, 1836, 2006, 2013, 3024])(
    '%d may pass by itself',
    (errno) => {
      expect(mysql(errno).kind).toBe('transient')
    },
  )
  it.each([1044, 1045, 1049, 1054, 1064, 1142, 1146, 1295])('%d is about the set-up', (errno) => {
    expect(mysql(errno).kind).toBe('configuration')
  })
  it.each([1105, 9999])('%d is not known', (errno) => {
    expect(mysql(errno).kind).toBe('unknown')
  })

  it.each([
    ['DatabaseResumingException', 'transient'],
    ['DatabaseUnavailableException', 'transient'],
    ['InternalServerErrorException', 'transient'],
    ['ServiceUnavailableError', 'transient'],
    ['StatementTimeoutException', 'transient'],
    ['ThrottlingException', 'transient'],
    ['TransactionNotFoundException', 'transient'],
    ['AbortError', 'transient'],
    ['TimeoutError', 'transient'],
    ['AccessDeniedException', 'configuration'],
    ['DatabaseNotFoundException', 'configuration'],
    ['ForbiddenException', 'configuration'],
    ['HttpEndpointNotEnabledException', 'configuration'],
    ['InvalidSecretException', 'configuration'],
    ['NotFoundException', 'configuration'],
    ['SecretsErrorException', 'configuration'],
    ['UnsupportedResultException', 'configuration'],
    ['ValidationException', 'configuration'],
    ['BadRequestException', 'transient'],
    ['DatabaseErrorException', 'unknown'],
    ['SomethingNewException', 'unknown'],
  ])('named %s is %s', (name, kind) => {
    expect(errorOf(named(name))).toMatchObject({ kind, code: `data-api.${name}`, errno: undefined })
  })

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'])(
    'with %s is a connection lost',
    (code) => {
      expect(errorOf(named('Error', 'connection', { code }))).toMatchObject({
        kind: 'transient',
        code: 'data-api.Error',
      })
    },
  )

  it('of a request that met another one in its transaction is transient: it has not run', () => {
    expect(errorOf(named('DatabaseErrorException', 'Transaction is still running a query')).kind).toBe(
      'transient',
    )
  })

  it('takes whatever was thrown', () => {
    expect(errorOf('a text')).toMatchObject({ exception: 'Unknown', kind: 'unknown', cause: 'a text' })
    expect(errorOf(undefined)).toMatchObject({ exception: 'Unknown', kind: 'unknown' })
    expect(errorOf(named('X', 'x', { $metadata: null })).requestId).toBeUndefined()
  })
})
