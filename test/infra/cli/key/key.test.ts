import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { bad, T1, T2 } from '../../../functions/bridge/parking/harness.ts'
import { chefItem, chefRecord } from '../../../functions/fixtures/recipe-records.ts'
import { openTestStack, type TestStack } from '../harness.ts'

const AT = '2026-11-22T10:00:00.000Z'

describe('backsync key', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())

  const written = (key: string, version: bigint, firstName: string): Change => ({
    entity: 'chef',
    key,
    op: 'upsert',
    version,
    source: 'stream',
    at: AT,
    row: { firstName, lastName: 'Point' },
  })
  const deleted = (key: string, version: bigint): Change => ({
    entity: 'chef',
    key,
    op: 'delete',
    version,
    source: 'stream',
    at: AT,
  })
  const row = (...changes: readonly Change[]) => stack.aurora.writer.apply(chef, changes, 'dynamo')
  const item = (key: string, version: number, firstName: string) =>
    stack.put('chef', key, version, { firstName: { S: firstName }, lastName: { S: 'Point' } })
  const ask = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await stack.run('key', 'chef', ...args, '--json')
    expect(stderr).toBe('')
    return { code, ...JSON.parse(stdout) }
  }

  it('says that both hold the same', async () => {
    await row(written('same', 3n, 'Ida'))
    await item('same', 3, 'Ida')

    expect(await ask('same')).toMatchObject({
      code: 0,
      relation: 'agree',
      differing: [],
      aurora: { is: 'held', version: '3', at: AT, row: { firstName: 'Ida', lastName: 'Point' } },
      dynamo: { is: 'held', version: '3', at: AT, row: { firstName: 'Ida', lastName: 'Point' } },
    })
  })

  it.each([
    ['aurora behind', 1n, 2],
    ['dynamo behind', 3n, 2],
    ['conflict', 2n, 2],
  ])('tells %s by versions, and names the fields that differ', async (relation, ours, theirs) => {
    const key = `differs-${ours}`
    await row(written(key, ours, 'Ida'))
    await item(key, theirs, 'Ada')

    expect(await ask(key)).toMatchObject({ code: 3, relation, differing: ['firstName'] })
  })

  it('tells which of the two has it', async () => {
    await row(written('row', 1n, 'Ida'))
    await item('item', 1, 'Ida')

    expect(await ask('row')).toMatchObject({
      ...{ code: 3, relation: 'only aurora', dynamo: { is: 'absent' } },
      // DynamoDB's row, and no item, not even a tombstone: nobody knows yet.
      owner: { is: 'undecided' },
    })
    expect(await ask('item')).toMatchObject({ code: 3, relation: 'only dynamo', aurora: { is: 'absent' } })
  })

  it('shows a tombstone, and an item that was made anew below it', async () => {
    await row(written('gone', 1n, 'Ida'))
    await row(deleted('gone', 4n))
    const tombstone = { is: 'deleted', version: '4', at: AT }

    expect(await ask('gone')).toMatchObject({ code: 0, relation: 'agree', aurora: tombstone })
    await item('gone', 1, 'Ida')
    expect(await ask('gone')).toMatchObject({ code: 3, relation: 'only dynamo', aurora: tombstone })
  })

  it('finds a legacy row by its id, and its item by the key of the row', async () => {
    await row(written('of-both', 2n, 'Ida'))
    await item('of-both', 2, 'Ida')
    const [found] = await stack.aurora.legacy
      .query("SELECT CAST(id AS CHAR) AS id FROM cheftable WHERE backsync_key = 'of-both'")
      .then(([rows]) => (Array.isArray(rows) ? rows : []))
    const id = found !== undefined && 'id' in found ? String(found.id) : ''

    expect(await ask(id)).toMatchObject({ code: 0, key: 'of-both', relation: 'agree' })
  })

  it('says what is wrong with an item that is none, and still shows the other side', async () => {
    await row(written('broken', 1n, 'Ida'))
    await stack.put('chef', 'broken', 1, { firstName: { N: '7' } })

    expect(await ask('broken')).toMatchObject({
      code: 3,
      relation: 'unreadable',
      aurora: { is: 'held', version: '1' },
      dynamo: { is: 'unreadable', code: 'item.foreign', message: expect.stringContaining('firstName') },
    })
  })

  it('names what is parked of it, and what to type', async () => {
    await row(written('parked', 1n, 'Ida'))
    await item('parked', 2, 'Ada')
    await stack.parking.parking.park([bad('parked', 2n)], T1)

    expect(await ask('parked')).toMatchObject({ code: 3, parked: { version: '2', code: 'sql.1406' } })
    const { stdout } = await stack.run('key', 'chef', 'parked')
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['entity', 'chef'],
      ['key', 'parked'],
      ['owner', 'dynamo'],
      ['aurora', `version 1 of ${AT}`],
      ['dynamo', `version 2 of ${AT}`],
      ['relation', 'aurora behind'],
      ['differing', 'firstName'],
      ['parked', 'version 2, sql.1406: firstName is too long for its column'],
      ['next', 'mend the cause, then: backsync parked retry chef parked'],
      ['aurora {"firstName":"Ida","lastName":"Point"}'],
      ['dynamo {"firstName":"Ada","lastName":"Point"}'],
      [''],
      ['at', 'where', 'version', 'what'],
      expect.arrayContaining(['written']),
      expect.arrayContaining(['written']),
      [T1.toISOString(), 'parked', '2', 'set aside as chef: sql.1406'],
      [''],
    ])
  })

  it('finds what is undelivered of it, and says what to type', async () => {
    await row(written('lost', 1n, 'Ida'))
    await item('lost', 1, 'Ida')
    const record = chefRecord(chefItem('lost', 2))
    const table = stack.tableOf('chef')
    const eventSourceARN = record.eventSourceARN.replace('/Chefs/', `/${table}/`)
    const object = await stack.failures.give([{ ...record, eventSourceARN }], { table })
    const batch = object.slice(object.lastIndexOf('/') + 1)

    expect(await ask('lost')).toMatchObject({
      // Both sides hold the same, and still something of it has not arrived.
      ...{ code: 3, relation: 'agree' },
      undelivered: { value: { records: [{ batch, op: 'upsert', version: '2' }], looked: 1, batches: 1 } },
    })
    const { stdout } = await stack.run('key', 'chef', 'lost')
    expect(stdout).toMatch(new RegExp(`^next +deliver it again: backsync undelivered redrive ${batch}$`, 'm'))
    expect(await ask('same')).toMatchObject({ code: 0, undelivered: { value: { records: [] } } })
  })

  it('finds what waits of it in the log, each conflict, what has ended, and what each side says', async () => {
    await row(written('known', 1n, 'Ida'))
    await item('known', 1, 'Ida')
    await stack.aurora.legacy.query(
      "INSERT INTO backsync_changes (entity, entity_key, op, version) VALUES ('chef', 'known', 'upsert', 5)",
    )
    const foreign = (version: bigint) =>
      bad('known', version, { entity: 'chef.conflicts', code: 'owner.foreign', byArrival: true })
    await stack.parking.parking.park([foreign(8n), foreign(9n)], T1)
    await stack.parking.parking.park([bad('known', 1n)], T1)
    await stack.parking.parking.resolve(
      { entity: 'chef', key: 'known' },
      { upTo: { version: 1n }, how: 'applied', at: T2 },
    )

    const told = await ask('known')
    expect(told).toMatchObject({
      records: { aurora: { owner: 'dynamo', epoch: '0' }, dynamo: { owner: 'dynamo', epoch: '0' } },
      waiting: { value: { log: [{ op: 'upsert', version: '5' }], recorded: [] } },
      conflicts: [{ key: 'known' }, { key: 'known@2' }],
      resolved: { value: [{ state: 'applied', resolvedAt: T2.toISOString() }] },
    })
    expect(told.events).toContainEqual({
      ...{ at: T2.toISOString(), where: 'resolved', version: '1', what: 'applied as chef: sql.1406' },
    })
    const { stdout } = await stack.run('key', 'chef', 'known')
    expect(stdout).toMatch(/^in the log +1 write to be carried over, since /m)
    expect(stdout).toMatch(/^conflict @2 +version 9, of /m)
  })

  it('refuses an entity that is not defined, and a key that nothing can have', async () => {
    const unknown = await stack.run('key', 'cook', 'x')
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('unknown entity cook; known are chef'),
    ])
    const blank = await stack.run('key', 'chef', 'x ')
    expect([blank.code, blank.stderr]).toEqual([2, expect.stringContaining('the key ends with a blank')])
  })

  describe('--claim', () => {
    const move = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await stack.run('key', 'chef', ...args, '--yes', '--json')
      return { code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
    }

    it('moves a key there and back, and says whose it is', async () => {
      await row(written('moves', 1n, 'Ida'))
      await item('moves', 1, 'Ida')
      expect(await ask('moves')).toMatchObject({ code: 0, owner: { is: 'dynamo', epoch: '0' } })

      expect(await move('moves', '--claim', 'aurora')).toMatchObject({
        code: 0,
        claim: 'moved',
        owner: { is: 'aurora', epoch: '1' },
        relation: 'agree',
      })
      expect(await move('moves', '--claim', 'aurora')).toMatchObject({ code: 0, claim: 'already' })
      expect(await move('moves', '--claim', 'dynamo')).toMatchObject({
        claim: 'moved',
        owner: { is: 'dynamo', epoch: '2' },
      })
    })

    it('writes nothing without it, nor where it is not confirmed', async () => {
      await row(written('stays', 1n, 'Ida'))
      await item('stays', 1, 'Ida')
      const { code, stderr } = await stack.run('key', 'chef', 'stays', '--claim', 'aurora')
      expect([code, stderr]).toEqual([4, expect.stringContaining('not confirmed')])
      expect((await stack.run('key', 'chef', 'stays', '--claim', 'aurora', '--dry-run')).code).toBe(0)

      expect(await ask('stays')).toMatchObject({ owner: { is: 'dynamo', epoch: '0' } })
    })

    it('refuses what would lose a write, and keeps the side that is said to be right', async () => {
      await stack.aurora.writer.apply(chef, [written('torn', 5n, 'Legacy')])
      await item('torn', 2, 'Modern')
      expect(await ask('torn')).toMatchObject({ owner: { is: 'disputed' } })
      const refused = await move('torn', '--claim', 'dynamo')
      expect(refused).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('--insist keeps what dynamo holds'),
      })
      expect(await ask('torn')).toMatchObject({ owner: { is: 'disputed' }, aurora: { version: '5' } })

      expect(await move('torn', '--claim', 'dynamo', '--insist')).toMatchObject({
        claim: 'moved',
        owner: { is: 'dynamo' },
        dynamo: { version: '6', row: { firstName: 'Modern' } },
      })
    })

    it('is refused while it is not known of all rows whose they are', async () => {
      await row(written('early', 1n, 'Ida'))
      await item('early', 1, 'Ida')
      await stack.aurora.legacy.query("DELETE FROM backsync_owners WHERE entity = 'chef'")
      try {
        const { stderr } = await move('early', '--claim', 'aurora')
        expect(stderr).toContain('backsync owners take chef')
      } finally {
        await stack.aurora.legacy.query("INSERT INTO backsync_owners (entity) VALUES ('chef')")
      }
    })
  })
})
