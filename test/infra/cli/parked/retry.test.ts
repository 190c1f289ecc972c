import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { bad, orphan, T1 } from '../../../functions/bridge/parking/harness.ts'
import { until } from '../../../support/until.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const named = (first: string) => ({ firstName: { S: first }, lastName: { S: 'Flay' } })
const TOO_LONG = 'x'.repeat(300)

describe('backsync parked retry', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())

  const park = (key: string, version: bigint) => stack.parking.parking.park([bad(key, version)], T1)
  const isParked = async (key: string, entity = 'chef') =>
    (await stack.parking.parking.parkedOf(entity)).get(key)
  const firstName = async (key: string): Promise<unknown> => {
    const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
      'SELECT cheffirst FROM cheftable WHERE backsync_key = ?',
      [key],
    )
    return rows[0]?.cheffirst
  }

  it('applies the current item, not the payload, and ends the parking', async () => {
    await park('a', 1n)
    await stack.put('chef', 'a', 2, named('Repaired'))

    const { code, stdout, stderr } = await stack.run('parked', 'retry', 'chef', 'a', '--yes', '--json')

    expect([code, stderr]).toEqual([0, ''])
    expect(jsonLines(stdout)).toEqual([{ entity: 'chef', key: 'a', version: '1', outcome: 'applied' }])
    expect(await firstName('a')).toBe('Repaired')
    expect(await isParked('a')).toBeUndefined()
    expect((await stack.parking.parking.resolvedOf('chef')).map(({ state }) => state)).toEqual(['applied'])
  })

  it('deletes the row of an item that is gone', async () => {
    await stack.put('chef', 'b', 1, named('Gone'))
    await park('b', 1n)
    await stack.run('parked', 'retry', 'chef', 'b', '--yes')
    expect(await firstName('b')).toBe('Gone')
    await park('gone', 3n)

    const { code, stdout } = await stack.run('parked', 'retry', 'chef', 'gone', '--yes')

    expect(code).toBe(0)
    expect(stdout).toMatch(/^chef +gone +3 +applied$/m)
    expect(await isParked('gone')).toBeUndefined()
  })

  it('lifts what is behind the legacy side above it, and applies it', async () => {
    await stack.put('chef', 'newer', 9, named('Ninth'))
    await park('newer', 9n)
    await stack.run('parked', 'retry', 'chef', 'newer', '--yes')
    await park('newer', 10n)
    await stack.put('chef', 'newer', 8, named('Eighth'))

    const { code, stdout } = await stack.run('parked', 'retry', 'chef', 'newer', '--yes', '--json')
    expect([code, jsonLines(stdout)]).toMatchObject([0, [{ key: 'newer', outcome: 'applied' }]])
    expect(await firstName('newer')).toBe('Eighth')
    expect(await isParked('newer')).toBeUndefined()
  })

  it('says why a key stays parked, applies the others, and ends with 3', async () => {
    await park('bad', 1n)
    await park('good', 1n)
    await stack.put('chef', 'bad', 1, named(TOO_LONG))
    await stack.put('chef', 'good', 1, named('Good'))

    const { code, stdout } = await stack.run('parked', 'retry', 'chef', 'bad', 'good', '--yes')

    expect(code).toBe(3)
    expect(stdout).toMatch(/^chef +good +1 +applied$/m)
    expect(stdout).toMatch(/^chef +bad +1 +parked +\S+: .+$/m)
    expect(stdout).not.toContain(TOO_LONG)
    expect(await isParked('bad')).toBeDefined()
    expect(await isParked('good')).toBeUndefined()
    await stack.put('chef', 'bad', 2, named('Mended'))
    expect((await stack.run('parked', 'retry', 'chef', 'bad', '--yes')).code).toBe(0)
  })

  it('counts the attempt of what waits for something that is still missing, and brings parents in first', async () => {
    const recipe = { chefId: { S: 'parent' }, title: { S: 'Soup' } }
    await stack.put('recipe', 'r', 1, recipe)
    await stack.parking.parking.park([orphan('r', 1n, 'parent')], T1)

    const alone = await stack.run('parked', 'retry', 'recipe', '--class', 'dependency', '--yes', '--json')
    expect([alone.code, jsonLines(alone.stdout)]).toEqual([
      3,
      [expect.objectContaining({ key: 'r', outcome: 'parked' })],
    ])
    expect((await isParked('r', 'recipe'))?.attempts).toBe(2)

    await stack.put('chef', 'parent', 1, named('Parent'))
    await park('parent', 1n)
    const both = await stack.run('parked', 'retry', '--yes', '--json')
    expect([
      both.code,
      jsonLines(both.stdout).map((line) => [Object(line).key, Object(line).outcome]),
    ]).toEqual([
      0,
      [
        ['parent', 'applied'],
        ['r', 'applied'],
      ],
    ])
  })

  it('shows with --dry-run what would be tried, and changes nothing', async () => {
    await park('dry', 1n)
    await stack.put('chef', 'dry', 1, named('Dry'))
    const before = await stack.parking.items()

    const table = await stack.run('parked', 'retry', 'chef', '--dry-run')
    const json = await stack.run('parked', 'retry', 'chef', '--dry-run', '--json')

    expect([table.code, json.code]).toEqual([0, 0])
    expect(table.stdout).toMatch(/^chef +dry +1 +would be tried$/m)
    expect(jsonLines(json.stdout)).toEqual([
      { entity: 'chef', key: 'dry', version: '1', outcome: 'would be tried' },
    ])
    expect(await stack.parking.items()).toEqual(before)
    expect(await firstName('dry')).toBeUndefined()
    await stack.run('parked', 'retry', 'chef', '--yes')
  })

  it('refuses without --yes where there is no terminal, before anything is written', async () => {
    await park('ask', 1n)
    await stack.put('chef', 'ask', 1, named('Ask'))
    const before = await stack.parking.items()

    const { code, stdout, stderr } = await stack.run('parked', 'retry', 'chef', 'ask')

    expect([code, stdout]).toEqual([4, ''])
    expect(stderr).toMatch(
      /^backsync: not confirmed: Trying 1 parked changes.* add --yes, or look first with --dry-run\n$/,
    )
    expect(await stack.parking.items()).toEqual(before)
    await stack.run('parked', 'retry', 'chef', '--yes')
  })

  it.each([
    [['--class', 'dependency'], 'nothing to try'],
    [['--code', 'sql.9999'], 'nothing to try'],
    [['--code', 'sql.1406'], 'chef +coded +1 +would be tried'],
  ])('takes only what %j asks for', async (options, text) => {
    await park('coded', 1n)
    const { code, stdout } = await stack.run('parked', 'retry', 'chef', '--dry-run', ...options)

    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(text))
  })

  it('tries nothing when a key was never parked, and lets one pass that is parked no more', async () => {
    await park('known', 1n)
    const wrong = await stack.run('parked', 'retry', 'chef', 'known', 'unknown', '--yes')
    expect(wrong).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'backsync: chef unknown is not parked; nothing was tried; see backsync parked list --entity chef\n',
    })
    expect(await isParked('known')).toBeDefined()

    await stack.put('chef', 'known', 1, named('Known'))
    expect((await stack.run('parked', 'retry', 'chef', 'known', 'a', '--yes')).code).toBe(0)
    expect(await isParked('known')).toBeUndefined()
  })

  describe('when the Data API fails', () => {
    afterEach(() => stack.aurora.api.faults.clear())

    it('for a moment, says that it tries again, and applies', async () => {
      await park('moment', 1n)
      await stack.put('chef', 'moment', 1, named('Moment'))
      stack.aurora.api.faults.add({ kind: 'error', error: 'DatabaseUnavailableException', times: 7 })

      const { code, stderr } = await stack.run('parked', 'retry', 'chef', 'moment', '--yes')

      expect(code).toBe(0)
      expect(stderr).toMatch(/^trying again: chef: .+$/m)
      expect(await firstName('moment')).toBe('Moment')
    })

    it('for good, says what, and leaves the change parked', async () => {
      await park('forbidden', 1n)
      await stack.put('chef', 'forbidden', 1, named('Forbidden'))
      stack.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException' })

      const { code, stdout, stderr } = await stack.run('parked', 'retry', 'chef', 'forbidden', '--yes')

      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^backsync: .*; check the stack, and that your credentials may do this\n$/)
      expect(await isParked('forbidden')).toMatchObject({ attempts: 1 })
      stack.aurora.api.faults.clear()
      expect((await stack.run('parked', 'retry', 'chef', 'forbidden', '--yes')).code).toBe(0)
    })
  })

  it('stops at Ctrl-C where nothing is half done, says how to go on, and goes on', async () => {
    const keys = Array.from({ length: 300 }, (_, n) => `many-${String(n).padStart(3, '0')}`)
    await stack.parking.parking.park(
      keys.map((key) => bad(key, 1n)),
      T1,
    )
    await Promise.all(keys.map((key) => stack.put('chef', key, 1, named(key))))

    const running = stack.start('parked', 'retry', 'chef', '--yes', '--json')
    await until('the first keys are tried', 30_000, () => running.stdout().includes('\n'))
    running.child.kill('SIGINT')
    // As a launcher that passes the same key on.
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.ended

    expect(code).toBe(130)
    const tried = jsonLines(stdout).map((line) => String(Object(line).key))
    expect(tried.length % 100).toBeLessThan(2)
    expect(tried.length).toBeLessThan(keys.length)
    expect(stderr).toMatch(
      /backsync: interrupted: \d+ of \d+ were tried.*go on with: npx backsync parked retry chef --yes --json\n$/,
    )
    const left = await stack.parking.parking.parkedOf('chef')
    for (const key of tried) expect(left.has(key)).toBe(false)

    const rest = await stack.run('parked', 'retry', 'chef', '--yes', '--json')
    expect(rest.code).toBe(0)
    const all = [...tried, ...jsonLines(rest.stdout).map((line) => String(Object(line).key))]
    expect(all.filter((key) => key.startsWith('many-')).sort()).toEqual(keys)
    expect(await stack.parking.parking.parkedOf('chef')).toEqual(new Map())
  }, 120_000)
})
