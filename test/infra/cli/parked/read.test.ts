import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bad, orphan, T1, T2, T3 } from '../../../functions/bridge/parking/harness.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const DIGITS = 1234567890123456789012345678901234567890n

describe('backsync parked list and show', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
    const { parking } = stack.parking
    await parking.park([bad('c2', DIGITS)], T2)
    await parking.park([bad('c1', 5n)], T1)
    await parking.park([bad('c1', 6n)], T3)
    await parking.park([orphan('r1', 2n, 'c9')], T1)
    await parking.park([bad('done', 3n)], T1)
    await parking.resolve(
      { entity: 'chef', key: 'done' },
      { upTo: { version: 4n }, how: 'superseded', at: T2 },
    )
    await parking.park([bad('with\n\u001b[31mcolour', 1n)], T3)
  }, 60_000)
  afterAll(() => stack.close())

  it('lists what is parked as a table, the oldest first', async () => {
    const { code, stdout, stderr } = await stack.run('parked', 'list')

    expect([code, stderr]).toEqual([0, ''])
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(head?.split(/ {2,}/)).toEqual([
      'entity',
      'key',
      'version',
      'class',
      'code',
      'first seen',
      'last seen',
      'attempts',
      'waits for',
      'reason',
    ])
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      [
        'chef',
        'c1',
        '6',
        'data',
        'sql.1406',
        T1.toISOString(),
        T3.toISOString(),
        '2',
        'firstName is too long for its column',
      ],
      [
        'chef',
        'c2',
        String(DIGITS),
        'data',
        'sql.1406',
        T2.toISOString(),
        T2.toISOString(),
        '1',
        'firstName is too long for its column',
      ],
      [
        'chef',
        'with\\u000a\\u001b[31mcolour',
        '1',
        'data',
        'sql.1406',
        T3.toISOString(),
        T3.toISOString(),
        '1',
        'firstName is too long for its column',
      ],
      [
        'recipe',
        'r1',
        '2',
        'dependency',
        'sql.1452',
        T1.toISOString(),
        T1.toISOString(),
        '1',
        'chef c9',
        'a row that it refers to is missing',
      ],
    ])
    // No colour outside of a terminal.
    expect(stdout).not.toContain('\u001b')
  })

  it('lists as JSON, a line each, versions with every digit', async () => {
    const { code, stdout } = await stack.run('parked', 'list', '--json', '--entity', 'chef')

    expect(code).toBe(0)
    const lines = jsonLines(stdout)
    expect(lines).toHaveLength(3)
    expect(lines[1]).toEqual({
      entity: 'chef',
      key: 'c2',
      version: String(DIGITS),
      op: 'upsert',
      class: 'data',
      code: 'sql.1406',
      message: 'firstName is too long for its column',
      sequenceNumber: expect.any(String),
      firstSeen: T2.toISOString(),
      lastSeen: T2.toISOString(),
      attempts: 1,
      state: 'parked',
    })
  })

  it.each([
    [['--class', 'dependency'], ['r1']],
    [['--entity', 'recipe'], ['r1']],
    [['--entity', 'recipe', '--class', 'data'], []],
    [
      ['--entity', 'chef', '--all', '--class', 'data'],
      ['c1', 'c2', 'with\n\u001b[31mcolour', 'done'],
    ],
  ])('%j lists only %j', async (options, keys) => {
    const { code, stdout } = await stack.run('parked', 'list', '--json', ...options)

    expect(code).toBe(0)
    expect(jsonLines(stdout).map((line) => Object(line).key)).toEqual(keys)
  })

  it('says that there is nothing, and with --all what became of the rest', async () => {
    const nothing = await stack.run('parked', 'list', '--entity', 'recipe', '--class', 'data')
    expect(nothing).toEqual({ code: 0, stdout: 'nothing is parked\n', stderr: '' })

    const all = await stack.run('parked', 'list', '--all')
    expect(all.stdout).toMatch(/^chef +done +3 .* superseded$/m)
  })

  it('shows what is known of a key, and its payload', async () => {
    const { code, stdout, stderr } = await stack.run('parked', 'show', 'recipe', 'r1')

    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^reason +sql\.1452: a row that it refers to is missing$/m)
    expect(stdout).toMatch(/^waits for +chef c9$/m)
    expect(stdout).toContain('{\n  "key": "r1",\n  "version": "2"\n}\n')
  })

  it('shows it as one JSON document', async () => {
    const { code, stdout } = await stack.run('parked', 'show', 'chef', 'c1', '--json')

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      key: 'c1',
      version: '6',
      attempts: 2,
      payload: { key: 'c1', version: '6' },
    })
  })

  it('shows what has been resolved as it was', async () => {
    const { stdout } = await stack.run('parked', 'show', 'chef', 'done')
    expect(stdout).toMatch(/^state +superseded$/m)
  })

  it('says in one line that a key is not parked, and where to look', async () => {
    expect(await stack.run('parked', 'show', 'chef', 'c7')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'backsync: chef c7 is not parked, and was not in the last 90 days; see backsync parked list --entity chef --all\n',
    })
  })
})
