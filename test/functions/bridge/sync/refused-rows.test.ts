import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { chef } from '../../../fixtures/entities/chef.ts'
import { chefItem, chefRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }

/** A trigger of the legacy application that refuses rows by their first name. */
const refusing = (how: string): string => `CREATE TRIGGER choosy BEFORE INSERT ON cheftable FOR EACH ROW
  IF NEW.cheffirst LIKE 'bad%' THEN ${how}; END IF`

describe('rows that the legacy schema refuses for reasons of its own', () => {
  let sync: TestSync
  let of: string
  beforeAll(async () => {
    sync = await openTestSync([chef], { chef: 'Chefs' })
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await sync.aurora.empty()
    of = randomUUID()
  })
  afterEach(async () => {
    await sync.aurora.legacy.query('DROP TRIGGER IF EXISTS choosy')
    for (const head of (await sync.parts.parking.parkedOf('chef')).values())
      await sync.parts.parking.resolve(head, { upTo: head, how: 'applied', at: new Date() })
  })

  const good = (at: number) => chefRecord(chefItem(`${of}-good-${at}`, 1, 'good'))
  const bad = (at: number) => chefRecord(chefItem(`${of}-bad-${at}`, 1, 'bad'))
  const names = async (): Promise<unknown[]> => {
    const [rows] = await sync.aurora.legacy.query('SELECT cheffirst FROM cheftable')
    return Array.isArray(rows) ? rows : []
  }
  const codes = async () =>
    new Set((await sync.parked('chef')).map((one) => JSON.stringify(one).split(',')[2]))

  it.each([
    ['a SIGNAL', "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'we do not like you'", 'mysql.1644'],
    ['a SIGNAL with a number', "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1213", 'mysql.1213'],
    ['a SIGNAL of an odd state', "SIGNAL SQLSTATE '77000'", 'mysql.1644'],
    ['a number that nobody knows', "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 9999", 'mysql.9999'],
    ['a table that its trigger misses', 'INSERT INTO nobody_made_this VALUES (1)', 'mysql.1146'],
  ])('%s: twenty of them among twenty good ones are parked, with the number', async (_, how, code) => {
    await sync.aurora.legacy.query(refusing(how))
    const records = Array.from({ length: 20 }, (_, at) => [bad(at), good(at)]).flat()

    expect(await sync.deliver(...records)).toEqual(nothing)
    expect(await names()).toHaveLength(20)
    expect(await sync.parked('chef')).toHaveLength(20)
    expect(await codes()).toEqual(new Set([`"${code}"]`]))
    const [head] = (await sync.parts.parking.parkedOf('chef')).values()
    expect(head?.message).toMatch(/SQLSTATE (45000|77000|HY000|42S02)/)
  })

  it('one that is refused for an unknown reason is parked though it came alone: nothing behind it waits', async () => {
    await sync.aurora.legacy.query(refusing("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 9999"))
    expect(await sync.deliver(bad(1))).toEqual(nothing)
    expect(await sync.parked('chef')).toEqual([[`${of}-bad-1`, 'data', 'mysql.9999']])
  })

  it('nothing is parked where all fail alike: it is the set-up, and somebody is told', async () => {
    await sync.aurora.legacy.query('RENAME TABLE cheftable TO elsewhere')
    try {
      await expect(sync.deliver(good(1), good(2))).rejects.toMatchObject({
        errno: 1146,
        kind: 'configuration',
      })
      await expect(sync.deliver(good(1))).rejects.toMatchObject({ errno: 1146, kind: 'configuration' })
    } finally {
      await sync.aurora.legacy.query('RENAME TABLE elsewhere TO cheftable')
    }
    expect(await sync.parked('chef')).toEqual([])
  })

  // On a table where little happens there is nothing beside them that could pass.
  it.each([
    ['an unknown number', "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 9999", 'mysql.9999', 'INSERT'],
    ['a table that its trigger misses', 'INSERT INTO nobody_made_this VALUES (1)', 'mysql.1146', 'INSERT'],
    ['a routine that its trigger misses', 'CALL nobody_made_this()', 'mysql.1305', 'INSERT'],
    ['a right, by the number', "SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1142", 'mysql.1142', 'INSERT'],
    [
      'a SELECT INTO that finds two',
      'SELECT n INTO @n FROM (SELECT 1 AS n UNION SELECT 2) AS two',
      'mysql.1172',
      'INSERT',
    ],
    ['a cursor that is not open', "SIGNAL SQLSTATE '24000' SET MYSQL_ERRNO = 1326", 'mysql.1326', 'INSERT'],
  ])(
    '%s: one alone is parked, and two alone are, since the same statements pass without them',
    async (_, how, code) => {
      await sync.aurora.legacy.query(refusing(how))
      expect(await sync.deliver(bad(1))).toEqual(nothing)
      expect(await sync.deliver(bad(2), bad(3))).toEqual(nothing)
      expect(await sync.parked('chef')).toHaveLength(3)
      expect(await codes()).toEqual(new Set([`"${code}"]`]))
    },
  )

  it('what is refused for an unknown reason, and not when it comes again, is blamed on no change', async () => {
    const { faults } = sync.aurora.api
    faults.add({
      kind: 'error',
      error: 'DatabaseErrorException',
      message: 'Nobody knows this; Error code: 9999; SQLState: HY000',
      sql: 'INSERT INTO `cheftable`',
      times: 2,
    })
    expect(await sync.deliver(good(1), good(2))).toEqual(nothing)
    expect(faults.list()).toEqual([])
    expect(await names()).toHaveLength(2)
    expect(await sync.parked('chef')).toEqual([])
  })

  it('a failover in the middle parks nothing: it is repeated until it is over', async () => {
    const { faults } = sync.aurora.api
    faults.add({
      kind: 'error',
      error: 'BadRequestException',
      message: 'Communications link failure',
      sql: 'INSERT INTO `cheftable`',
      times: 7,
    })
    expect(await sync.deliver(good(1), good(2))).toEqual(nothing)
    expect(await names()).toHaveLength(2)
    expect(await sync.parked('chef')).toEqual([])
  })
})
