import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { S3Error } from '../../../../functions/bridge/drivers/s3/errors.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { type Redriven, redrive } from '../../../../functions/bridge/undelivered/redrive.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openTestFailures, type TestFailures } from '../../../support/failures.ts'
import { chefItem, chefRecord } from '../../fixtures/recipe-records.ts'
import { CREATED_AT } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from '../sync/harness.ts'

const entities = [chef, recipe]
const tables = { chef: 'Chefs', recipe: 'Recipes' }
const DAY = 24 * 3600_000
/** Soon after the fixtures' records were written. */
const NOW = new Date(Date.parse(CREATED_AT) + DAY)

describe('a batch that an event source gave up on, redriven', () => {
  let sync: TestSync
  let failures: TestFailures
  let CHEF: string
  beforeAll(async () => {
    sync = await openTestSync(entities, tables)
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await sync.aurora.empty()
    failures = await openTestFailures()
    CHEF = `chef-${randomUUID()}`
  })
  afterEach(() => failures.close())

  const give = (...records: unknown[]) => failures.give(records, { table: tables.chef })
  const redriveAll = async (parts: Partial<Mirror> = {}, now = NOW): Promise<Redriven[]> => {
    const done: Redriven[] = []
    const index = entityReaders(entities, tables)
    await redrive(
      await failures.undelivered.heads(),
      {
        undelivered: failures.undelivered,
        followers: [
          {
            functionName: 'BackSync',
            open: async () => ({ mirror: { ...sync.parts, ...parts }, tables: async () => index }),
          },
        ],
        now: () => now,
      },
      { mayBegin: () => true, onBatch: (one) => void done.push(one) },
    )
    return done
  }
  const version = async () => (await sync.aurora.store.get(chef, CHEF))?.version

  it('is applied, and ended: it is found below ended/ and nowhere else', async () => {
    const key = await give(chefRecord(chefItem(CHEF, 3)))

    expect(await redriveAll()).toMatchObject([{ outcome: 'redriven', records: 1, settled: 1, parked: 0 }])

    expect(await version()).toBe(3n)
    expect(await failures.undelivered.count()).toBe(0)
    expect(await failures.keys('')).toEqual([`ended/redriven/${key.slice('aws/lambda/'.length)}`])
  })

  it('changes nothing where a later record has come since', async () => {
    await sync.deliver(chefRecord(chefItem(CHEF, 5, 'Later')))
    await give(chefRecord(chefItem(CHEF, 4, 'Late')))

    expect(await redriveAll()).toMatchObject([{ outcome: 'redriven', settled: 1 }])
    expect((await sync.aurora.store.get(chef, CHEF))?.row.firstName).toBe('Later')
  })

  it('has what is refused in it parked, with its record, and the rest applied', async () => {
    const bad = `bad-${CHEF}`
    await give(
      chefRecord(chefItem(bad, 2, 'x'.repeat(300)), { sequence: '7' }),
      chefRecord(chefItem(CHEF, 2), { sequence: '8' }),
    )

    expect(await redriveAll()).toMatchObject([{ outcome: 'redriven', records: 2, settled: 1, parked: 1 }])
    expect(await version()).toBe(2n)
    expect((await sync.parts.parking.parkedOf('chef')).get(bad)).toMatchObject({ sequenceNumber: '7' })
  })

  it('stays where it is while the store can not be reached, and goes through once it can', async () => {
    const key = await give(chefRecord(chefItem(CHEF, 1)))
    const down = {
      names: sync.parts.sink.names,
      isLater: () => Promise.resolve(false),
      applyIsolating: () => Promise.reject(new ConfigurationError(['no such cluster'])),
    }

    expect(await redriveAll({ sink: down })).toMatchObject([
      { outcome: 'kept', reason: { code: 'configuration.invalid' } },
    ])
    expect(await failures.keys('')).toEqual([key])

    expect(await redriveAll()).toMatchObject([{ outcome: 'redriven' }])
    expect(await version()).toBe(1n)
  })

  it('stays where it is while what is refused in it can not be parked', async () => {
    await give(chefRecord(chefItem(CHEF, 1, 'x'.repeat(300))))
    const parking: Mirror['parking'] = Object.assign(Object.create(sync.parts.parking), {
      park: () => Promise.reject(new S3Error('PutItem', new Error('busy'))),
    })

    expect(await redriveAll({ parking })).toMatchObject([
      { outcome: 'kept', reason: { code: 'undelivered.not-yet' } },
    ])
    expect(await failures.undelivered.count()).toBe(1)
  })

  it('stops after three that fail in a row: then it is not the batches', async () => {
    for (let n = 0; n < 5; n++) await give(chefRecord(chefItem(CHEF, n + 1)))
    const down = {
      names: sync.parts.sink.names,
      isLater: () => Promise.resolve(false),
      applyIsolating: () => Promise.reject(new ConfigurationError(['no such cluster'])),
    }

    await expect(redriveAll({ sink: down })).rejects.toMatchObject({ code: 'configuration.invalid' })
    expect(await failures.undelivered.count()).toBe(5)
  })

  it('that is none, or of a table that nothing is kept of, holds up none behind it', async () => {
    const broken = await give(chefRecord(chefItem(CHEF, 1)))
    await failures.bucket.move(broken, 'aws/lambda/not-a-batch')
    await failures.give([chefRecord(chefItem(CHEF, 1))], { table: 'Elsewhere' })
    await give(chefRecord(chefItem(CHEF, 2)))
    await failures.put('aws/lambda/no-json', 'plainly {')

    const done = await redriveAll()

    expect(done.map(({ outcome, reason }) => [outcome, reason?.code]).sort()).toEqual([
      ['kept', 'undelivered.unreadable'],
      ['kept', 'undelivered.unreadable'],
      ['redriven', undefined],
      ['redriven', undefined],
    ])
    expect(await version()).toBe(2n)
  })

  it('that was ended by somebody else in between is no failure', async () => {
    await give(chefRecord(chefItem(CHEF, 1)))
    const [head] = await failures.undelivered.heads()
    if (head === undefined) throw new Error('nothing was given up')
    await failures.undelivered.end(head, 'dropped')
    const done: Redriven[] = []
    await redrive(
      [head],
      { undelivered: failures.undelivered, followers: [], now: () => new Date() },
      { mayBegin: () => true, onBatch: (one) => void done.push(one) },
    )

    expect(done).toMatchObject([{ outcome: 'gone' }])
    await expect(failures.undelivered.end(head, 'dropped')).resolves.toBeUndefined()
  })

  it('goes to the one function that gave it up, where several take the same table', async () => {
    await failures.give([chefRecord(chefItem(CHEF, 1))], { table: tables.chef, functionName: 'Other' })
    const asked: string[] = []
    const index = entityReaders(entities, tables)
    const follower = (functionName: string) => ({
      functionName,
      open: async () => {
        asked.push(functionName)
        return { mirror: sync.parts, tables: async () => index }
      },
    })
    const through = async (...followers: ReturnType<typeof follower>[]) => {
      const parts = { undelivered: failures.undelivered, followers, now: () => new Date() }
      await redrive(await failures.undelivered.heads(), parts, { mayBegin: () => true, onBatch: () => {} })
    }
    await through(follower('BackSync'), follower('Other'))
    expect(asked).toEqual(['Other'])

    // The function was replaced since: whoever takes the table's records is asked, and the guard does no harm.
    await failures.give([chefRecord(chefItem(CHEF, 1))], { table: tables.chef, functionName: 'Gone' })
    await through(follower('BackSync'), follower('Other'))
    expect(asked).toEqual(['Other', 'BackSync', 'Other'])
  })

  it('that is older than deletes are remembered brings nothing back: the item as it is now counts', async () => {
    const [gone, there] = [`gone-${CHEF}`, CHEF]
    await give(chefRecord(chefItem(gone, 4)), chefRecord(chefItem(there, 1, 'Old')))
    await sync.put(chef, chefItem(there, 7, 'New'))

    expect(await redriveAll({}, new Date(NOW.getTime() + 61 * DAY))).toMatchObject([{ outcome: 'redriven' }])

    expect(await sync.aurora.store.get(chef, gone)).toBeUndefined()
    expect(await sync.aurora.store.get(chef, there)).toMatchObject({ version: 7n, row: { firstName: 'New' } })
  })
})
