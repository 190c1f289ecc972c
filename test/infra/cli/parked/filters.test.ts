import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Parked } from '../../../../functions/bridge/ports/parking.ts'
import { bad } from '../../../functions/bridge/parking/harness.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const MINUTE = 60_000

describe('the filters of backsync parked', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())

  /** Set aside so many minutes ago. */
  const park = (minutes: number, ...changes: readonly Parked[]) =>
    stack.parking.parking.park(changes, new Date(Date.now() - minutes * MINUTE))
  const conflict = (key: string, minutes: number) =>
    park(minutes, bad(key, 1n, { entity: 'chef.conflicts', code: 'owner.foreign', byArrival: true }))
  const keysIn = (stdout: string): unknown[] => jsonLines(stdout).map((line) => Object(line).key)
  const listed = async (...args: readonly string[]) =>
    keysIn((await stack.run('parked', 'list', '--json', ...args)).stdout)

  beforeEach(async () => {
    for (const name of ['chef', 'chef.conflicts'])
      for (const { key, version, sequenceNumber } of (await stack.parking.parking.parkedOf(name)).values())
        await stack.parking.parking.resolve(
          { entity: name, key },
          {
            upTo: { ...(version !== undefined && { version }), ...(sequenceNumber && { sequenceNumber }) },
            how: 'superseded',
            at: new Date(),
          },
        )
  })

  it('narrow the list by reason and age, together', async () => {
    await park(120, bad('old-locked', 1n, { code: 'row.locked' }), bad('old-long', 1n))
    await park(5, bad('new-locked', 1n, { code: 'row.locked' }))

    expect(await listed('--code', 'row.locked')).toEqual(['old-locked', 'new-locked'])
    expect(await listed('--code', 'row.*', '--older-than', '1h')).toEqual(['old-locked'])
    expect(await listed('--newer-than', '10m')).toEqual(['new-locked'])
    expect((await stack.run('parked', 'list', '--code', 'nothing')).stdout).toBe('nothing is parked\n')
  })

  it('export with --payloads a line for each, what was set aside in it', async () => {
    await park(1, bad('p1', 7n))
    const { code, stdout } = await stack.run('parked', 'list', '--json', '--payloads', '--entity', 'chef')

    expect([code, jsonLines(stdout)]).toEqual([
      0,
      [expect.objectContaining({ key: 'p1', version: '7', payload: { key: 'p1', version: '7' } })],
    ])
    expect(stdout.split('\n')).toHaveLength(2)
    expect(await stack.run('parked', 'list', '--payloads')).toMatchObject({ code: 2, stdout: '' })
    expect(await stack.run('parked', 'list', '--payloads', '--json', '--all')).toMatchObject({ code: 2 })
  })

  it('say what a retry would try, and try that and nothing else', async () => {
    for (const key of ['t1', 't2', 't3'])
      await stack.put('chef', key, 1, { firstName: { S: 'Ida' }, lastName: { S: 'Point' } })
    await park(90, bad('t1', 1n, { code: 'row.locked' }), bad('t2', 1n))
    await park(1, bad('t3', 1n, { code: 'row.locked' }))
    const filter = ['--code', 'row.locked', '--older-than', '1h']

    const dry = await stack.run('parked', 'retry', ...filter, '--dry-run', '--json')
    expect(keysIn(dry.stdout)).toEqual(['t1'])
    const { code, stdout } = await stack.run('parked', 'retry', ...filter, '--yes', '--json')
    expect([code, keysIn(stdout)]).toEqual([0, ['t1']])
    expect(await listed()).toEqual(['t2', 't3'])

    const nothing = await stack.run('parked', 'retry', ...filter, '--yes')
    expect([nothing.code, nothing.stdout]).toEqual([0, 'nothing to try: none is like that\n'])
  })

  it('say which conflicts are dropped; nothing said drops none', async () => {
    await conflict('c-old', 3 * 24 * 60)
    await conflict('c-new', 1)

    const unsaid = await stack.run('parked', 'drop', 'chef.conflicts', '--yes')
    expect([unsaid.code, unsaid.stderr]).toEqual([
      2,
      expect.stringContaining('nothing says which of chef.conflicts are dropped'),
    ])
    const dry = await stack.run('parked', 'drop', 'chef.conflicts', '--older-than', '2d', '--dry-run')
    expect(dry.stdout).toMatch(/^chef\.conflicts +c-old +1 +would be dropped$/m)
    expect(await listed()).toEqual(['c-old', 'c-new'])
    expect(await stack.run('parked', 'drop', 'chef.conflicts', '--older-than', '2d')).toMatchObject({
      code: 4,
    })

    const { code } = await stack.run('parked', 'drop', 'chef.conflicts', '--older-than', '2d', '--yes')
    expect([code, await listed()]).toEqual([0, ['c-new']])
  })

  it('refuse an age that is none', async () => {
    const { code, stderr } = await stack.run('parked', 'list', '--older-than', 'yesterday')
    expect([code, stderr]).toEqual([2, expect.stringContaining('"yesterday" is no age')])
  })
})
