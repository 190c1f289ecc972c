import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { chefItem, chefRecord } from '../../../functions/fixtures/recipe-records.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const EARLY = new Date('2026-11-22T10:00:00.000Z')
const LATE = new Date('2026-11-22T11:00:00.000Z')

describe('backsync undelivered', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    for (const head of await stack.failures.undelivered.heads())
      await stack.failures.undelivered.end(head, 'dropped')
  })

  const give = (key: string, version: number, at = EARLY, first?: string) => {
    const table = stack.tableOf('chef')
    const record = chefRecord(chefItem(key, version, first))
    return stack.failures.give(
      [{ ...record, eventSourceARN: record.eventSourceARN.replace('/Chefs/', `/${table}/`) }],
      { table, at },
    )
  }
  const idOf = (key: string) => key.slice(key.lastIndexOf('/') + 1)
  const version = async (key: string): Promise<unknown> => {
    const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_version AS version FROM cheftable WHERE backsync_key = ?',
      [key],
    )
    return rows[0]?.version
  }

  it('list: the oldest first, with what each is', async () => {
    const [late, early] = [await give('l2', 1, LATE), await give('l1', 1, EARLY)]
    await stack.failures.put('aws/lambda/strange', 'no json')

    const { code, stdout, stderr } = await stack.run('undelivered', 'list')

    expect([code, stderr]).toEqual([0, ''])
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(head?.split(/ {2,}/)).toEqual([
      'id',
      'given up at',
      'table',
      'function',
      'reason',
      'invocations',
      'records',
    ])
    const table = stack.tableOf('chef')
    expect(rows.slice(0, 2).map((row) => row.split(/ {2,}/))).toEqual([
      [idOf(early), EARLY.toISOString(), table, 'BackSync', 'RetryAttemptsExhausted', '11', '1'],
      [idOf(late), LATE.toISOString(), table, 'BackSync', 'RetryAttemptsExhausted', '11', '1'],
    ])
    expect(rows[2]).toMatch(/^strange .*no batch of stream records/)

    const json = jsonLines((await stack.run('undelivered', 'list', '--json')).stdout)
    expect(json).toHaveLength(3)
    expect(json[0]).toMatchObject({ id: idOf(early), key: early, table, records: 1 })
  })

  it('list: says so when there is none', async () => {
    expect(await stack.run('undelivered', 'list')).toEqual({
      code: 0,
      stdout: 'nothing is undelivered\n',
      stderr: '',
    })
  })

  it('show: the records, by id or by the key of the object', async () => {
    const key = await give('s1', 7)
    for (const name of [idOf(key), key]) {
      const { code, stdout } = await stack.run('undelivered', 'show', name, '--json')
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        id: idOf(key),
        condition: 'RetryAttemptsExhausted',
        records: [{ dynamodb: { Keys: { chefId: { S: 's1' } } } }],
      })
    }
    const { stdout } = await stack.run('undelivered', 'show', idOf(key))
    expect(stdout).toContain('"SequenceNumber"')
    expect(await stack.run('undelivered', 'show', 'nobody')).toMatchObject({ code: 1, stdout: '' })
  })

  it('redrive: shows with --dry-run, asks, applies, and ends with 3 where something is left', async () => {
    const key = await give('r1', 2)
    const bad = await give('r2', 2, LATE, 'x'.repeat(300))
    await stack.failures.give([chefRecord(chefItem('r3', 1))], { table: 'Elsewhere', at: LATE })

    const dry = await stack.run('undelivered', 'redrive', '--dry-run', '--json')
    expect(jsonLines(dry.stdout)).toHaveLength(3)
    const unasked = await stack.run('undelivered', 'redrive')
    expect([unasked.code, unasked.stdout]).toEqual([4, ''])
    expect(await stack.failures.undelivered.count()).toBe(3)

    const { code, stdout } = await stack.run('undelivered', 'redrive', '--yes', '--json')

    expect(code).toBe(3)
    const answers = jsonLines(stdout)
    expect(answers).toHaveLength(3)
    expect(answers).toContainEqual(
      expect.objectContaining({ id: idOf(key), outcome: 'redriven', records: 1, settled: 1, parked: 0 }),
    )
    expect(answers).toContainEqual(
      expect.objectContaining({ id: idOf(bad), outcome: 'redriven', settled: 0, parked: 1 }),
    )
    expect(answers).toContainEqual(
      expect.objectContaining({ outcome: 'kept', code: 'undelivered.unreadable' }),
    )
    expect(await version('r1')).toBe('2')
    expect((await stack.parking.parking.parkedOf('chef')).get('r2')).toMatchObject({ version: 2n })
    expect(await stack.failures.undelivered.count()).toBe(1)
  })

  it('redrive: one by its id, and no other', async () => {
    const [one] = [await give('o1', 1), await give('o2', 1)]
    const { code } = await stack.run('undelivered', 'redrive', idOf(one), '--yes')

    expect(code).toBe(0)
    expect([await version('o1'), await version('o2')]).toEqual(['1', undefined])
    expect(await stack.run('undelivered', 'redrive', idOf(one), '--yes')).toMatchObject({ code: 1 })
  })

  it('drop: asks, and puts the batch aside without applying it', async () => {
    const key = await give('d1', 1)
    expect(await stack.run('undelivered', 'drop', idOf(key))).toMatchObject({ code: 4 })
    expect(await stack.run('undelivered', 'drop', idOf(key), '--dry-run')).toMatchObject({ code: 0 })
    expect(await stack.failures.undelivered.count()).toBe(1)

    expect(await stack.run('undelivered', 'drop', idOf(key), '--yes')).toMatchObject({ code: 0 })

    expect(await stack.failures.undelivered.count()).toBe(0)
    expect(await stack.failures.keys('ended/dropped/')).toContain(
      `ended/dropped/${key.slice('aws/lambda/'.length)}`,
    )
    expect(await version('d1')).toBeUndefined()
  })

  it('is mentioned by parked list, which knows nothing of these batches', async () => {
    await give('m1', 1)
    const { code, stderr } = await stack.run('parked', 'list')

    expect([code, stderr]).toEqual([0, '1 batch is undelivered: see npx backsync undelivered list\n'])
  })
})
