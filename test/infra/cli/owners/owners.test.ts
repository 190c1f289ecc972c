import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { writeAsFormerRelease } from '../../../functions/fixtures/release-0.2.ts'
import { until } from '../../../support/until.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

const AT = '2026-11-22T10:00:00.000Z'

describe('backsync owners', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack({ owned: [] })
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    await stack.aurora.empty()
    await stack.aurora.legacy.query('DELETE FROM backsync_owners')
  })

  const synced = async (key: string, version = 1): Promise<void> => {
    await stack.put('chef', key, version, { firstName: { S: 'Ida' }, lastName: { S: 'Test' } })
    await writeAsFormerRelease(stack.aurora.legacy, {
      key,
      version: BigInt(version),
      at: AT,
      row: ['Ida', 'Test'],
    })
  }
  const owned = async (): Promise<string[]> => {
    const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
      "SELECT backsync_key AS k FROM cheftable WHERE backsync_owner = 'dynamo' ORDER BY backsync_key",
    )
    return rows.map(({ k }) => String(k))
  }

  it('list tells what is not known yet and what to type, and since when the others are', async () => {
    const { code, stdout } = await stack.run('owners', 'list')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^chef +not known +- +npx backsync owners take chef$/m)

    await stack.aurora.legacy.query("INSERT INTO backsync_owners (entity) VALUES ('chef'), ('recipe')")
    const known = await stack.run('owners', 'list', '--json')
    expect(known.code).toBe(0)
    expect(jsonLines(known.stdout)).toContainEqual({
      entity: 'chef',
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      state: 'never',
      segments: 0,
      segmentsDone: 0,
      ...{ writers: 'counting', lifted: null },
      next: null,
    })
  })

  it('list says of whose writers an item had to be lifted within a day', async () => {
    await stack.aurora.legacy.query(
      "INSERT INTO backsync_owners (entity, since) VALUES ('chef', '2026-11-01'), ('chef.lifted', NOW(3)), ('recipe.lifted', '2026-11-01')",
    )
    expect((await stack.run('owners', 'list')).stdout).toMatch(
      /^chef +known since \S+ +- +careless: lifted at \S+ /m,
    )
    const rows = jsonLines((await stack.run('owners', 'list', '--json')).stdout)
    expect(rows).toContainEqual(expect.objectContaining({ entity: 'chef', writers: 'careless' }))
    expect(rows).toContainEqual(
      expect.objectContaining({ entity: 'recipe', writers: 'counting', since: null }),
    )
  })

  it('take shows with --dry-run what it would do, asks before it does, and does nothing until then', async () => {
    await synced('one')
    const dry = await stack.run('owners', 'take', 'chef', '--dry-run')
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(
      /^entity +chef\nowners +not known\nto do +scan Chef-\S+, about \d+ items, in \d+ segments$/m,
    )
    const unasked = await stack.run('owners', 'take', 'chef')
    expect([unasked.code, unasked.stdout]).toEqual([4, ''])
    expect(unasked.stderr).toMatch(/^backsync: not confirmed: Taking over chef on .*; .*--yes/)
    expect(await owned()).toEqual([])

    const { code, stdout, stderr } = await stack.run('owners', 'take', 'chef', '--yes')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^given to DynamoDB +1$/m)
    expect(stdout).toMatch(/^next +npx backsync owners list$/m)
    expect(await owned()).toEqual(['one'])
    const again = await stack.run('owners', 'take', 'chef', '--json')
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { todo: 'nothing', dryRun: false }])
  })

  it('take lists rows that are ahead of their items by their keys, and ends with 3', async () => {
    await synced('ahead')
    await synced('ahead', 3)
    await stack.put('chef', 'ahead', 2, { firstName: { S: 'Ida' }, lastName: { S: 'Test' } })

    const { code, stdout } = await stack.run('owners', 'take', 'chef', '--yes')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^to look at +1$/m)
    expect(stdout).toMatch(/^next +npx backsync key chef KEY$/m)
    expect(stdout).toMatch(/^ahead +the row is at version 3, its item at 2$/m)
    expect(await owned()).toEqual(['ahead'])

    const scripts = await stack.run('owners', 'take', 'chef', '--yes', '--json', '--again')
    expect(JSON.parse(scripts.stdout)).toMatchObject({ taken: 0, toLookAt: 0, rows: [] })
  })

  it('take refuses an entity that is not defined', async () => {
    const { code, stderr } = await stack.run('owners', 'take', 'cook')
    expect([code, stderr]).toEqual([2, expect.stringContaining('unknown entity cook; known are chef')])
  })

  it('take that is killed goes on where it stopped, with the same command', async () => {
    const keys = Array.from({ length: 60 }, (_, n) => `k${String(n).padStart(2, '0')}`)
    for (const key of keys) await synced(key)
    const args = ['owners', 'take', 'chef', '--yes', '--max-rate', '20', '--segments', '1', '--again']
    const { child, ended } = stack.start(...args)
    await until('some rows are taken', 30_000, async () => (await owned()).length > 4)
    child.kill('SIGKILL')
    await ended
    const before = await owned()
    expect(before.length).toBeLessThan(keys.length)
    const busy = await stack.run('owners', 'take', 'chef', '--yes')
    expect([busy.code, busy.stderr]).toEqual([5, expect.stringContaining('takeover:chef is busy')])
    const listed = await stack.run('owners', 'list')
    expect(listed.stdout).toMatch(/^chef +not known +running, 0 of 1 segments +-$/m)

    // Its lease is over.
    await stack.endLeases()
    const { code, stdout } = await stack.run('owners', 'take', 'chef', '--yes', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { todo: 'go on', segments: 1 }])
    expect(await owned()).toEqual(keys)
    expect((await stack.run('owners', 'list')).stdout).toMatch(/^chef +known since /m)
  })

  it('take that is interrupted says what goes on with it', async () => {
    for (let n = 0; n < 40; n++) await synced(`i${n}`)
    const { child, ended } = stack.start(
      ...['owners', 'take', 'chef', '--yes', '--max-rate', '20', '--segments', '1', '--again'],
    )
    await until('some rows are taken', 30_000, async () => (await owned()).length > 4)
    child.kill('SIGINT')
    const { code, stderr } = await ended

    expect(code).toBe(130)
    expect(stderr).toMatch(
      /interrupted: \d+ items are looked at, 0 of 1 segments are done; go on with: npx backsync owners take chef --yes --max-rate 20 --segments 1\n$/,
    )
    expect(await stack.run('owners', 'list')).toMatchObject({ code: 3 })
    expect((await stack.run('owners', 'take', 'chef', '--yes')).code).toBe(0)
  })
})
