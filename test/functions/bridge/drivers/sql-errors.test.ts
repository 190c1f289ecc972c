import { describe, expect, it } from '@jest/globals'
import { DataApiError } from '../../../../functions/bridge/drivers/data-api/errors.ts'
import { isTaken } from '../../../../functions/bridge/drivers/sql-errors.ts'

const named = (name: string, message: string): DataApiError =>
  new DataApiError('ExecuteStatement', Object.assign(new Error(message), { name }))
const mysql = (errno: number, sqlState: string): DataApiError =>
  named('DatabaseErrorException', `text; Error code: ${errno}; SQLState: ${sqlState}`)
const first = (errno: number): DataApiError =>
  named('BadRequestException', `Database error code: ${errno}. Message: text`)

describe("what MySQL's refusal means for a change", () => {
  it.each([
    ['division by zero', 1365, '22012'],
    ['out of range in an expression', 1690, '22003'],
    ['an illegal number', 1367, '22007'],
    ["a view's CHECK OPTION", 1369, 'HY000'],
    ['no partition', 1526, 'HY000'],
    ['a row that is too large', 1118, '42000'],
    ['a generated column', 3105, 'HY000'],
    ['an auto-increment value out of range', 167, '22003'],
    ["MariaDB's CHECK", 4025, '23000'],
    ["MariaDB's JSON", 4038, 'HY000'],
    ['a number that is not listed, of class 22', 9991, '22ABC'],
    ['a number that is not listed, of class 23', 9992, '23ABC'],
    ['a number that is not listed, of class 44', 9993, '44000'],
    ['a SIGNAL', 1644, '45000'],
    ['a SIGNAL with a state of its own', 1644, '99ABC'],
    ['a SIGNAL that claims to be a deadlock', 1213, '45000'],
    ['a SIGNAL that claims to be a missing table', 1146, '45123'],
    ['a SIGNAL that claims to be a missing parent', 1452, '45000'],
    ['a SIGNAL that claims to be a taken value', 1062, '45000'],
    ['a SIGNAL that claims that the connection was lost', 2013, '45000'],
  ])('%s is about the data, and nothing of it is left', (_, errno, sqlState) => {
    expect(mysql(errno, sqlState)).toMatchObject({ kind: 'data', outcome: 'refused', errno, sqlState })
  })

  it.each([
    ['a connection that could not be made', 9994, '08001'],
    ['a link that failed', 0, '08S01'],
    ['a server that is going down', 1053, '08S01'],
    ['nothing that has a number', 0, 'HY000'],
    ['a lost connection', 2013, 'HY000'],
    ['a statement that was killed', 1317, '70100'],
  ])('%s may pass, and nobody knows what has run', (_, errno, sqlState) => {
    expect(mysql(errno, sqlState)).toMatchObject({ kind: 'transient', outcome: 'unknown' })
  })

  it.each([
    ['a deadlock', 1213, '40001'],
    ['a rollback of another number', 9995, '40000'],
    ['a lock wait', 1205, 'HY000'],
    ['a server that has become read-only', 1792, '25006'],
    ['a full disk', 1114, 'HY000'],
  ])('%s may pass, and has been undone', (_, errno, sqlState) => {
    expect(mysql(errno, sqlState)).toMatchObject({ kind: 'transient', outcome: 'refused' })
  })

  it.each([
    ['a missing table', 1146, '42S02'],
    ['a right that is missing', 9996, '42000'],
    ['a login that is refused', 1045, '28000'],
  ])('%s is about the set-up', (_, errno, sqlState) => {
    expect(mysql(errno, sqlState)).toMatchObject({ kind: 'configuration', outcome: 'refused' })
  })

  it('a taken value may be let go by its holder, whatever form the service says it in', () => {
    expect([mysql(1062, '23000'), first(1062), mysql(1586, '23000')].map(isTaken)).toEqual([true, true, true])
    expect([mysql(1062, '45000'), mysql(1452, '23000'), first(1048)].map(isTaken)).toEqual([
      false,
      false,
      false,
    ])
  })

  it('is told by the number where the service says no state', () => {
    expect(first(1644)).toMatchObject({ kind: 'data', outcome: 'refused' })
    expect(first(1213)).toMatchObject({ kind: 'transient' })
  })

  it('is not known for what neither number nor state tells: it was refused nevertheless', () => {
    expect(mysql(9999, 'HY000')).toMatchObject({ kind: 'unknown', outcome: 'refused', code: 'mysql.9999' })
  })

  it.each(['Communications link failure', 'Connection is not available', ''])(
    'a text without number, "%s", is about the way to the database',
    (text) => {
      expect(named('BadRequestException', text)).toMatchObject({ kind: 'transient', outcome: 'unknown' })
    },
  )

  it('a result that is too large is not: the same will not pass', () => {
    const text = 'Database returned more than the allowed response size limit'
    expect(named('BadRequestException', text).kind).toBe('unknown')
  })

  it.each([
    [1406, 'data'],
    [1644, 'data'],
    [1062, 'dependency'],
    [1452, 'dependency'],
    [9999, 'unknown'],
    [1139, 'data'],
  ])("%d: MySQL's text may quote a value, so no log shows it", (errno, kind) => {
    expect(mysql(errno, 'HY000')).toMatchObject({ kind, causeQuotesData: true })
  })
})
