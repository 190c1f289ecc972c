import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { dish } from '../../fixtures/dish.ts'
import { image, streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }

/** A record of a chef: its key, version and first name are all that matters. */
const chefRecord = (
  sequence: string,
  key: string,
  version: string,
  firstName = `v${version}`,
  eventName = 'MODIFY',
) => {
  const itsImage = image({ chefId: { S: key }, version: { N: version }, firstName: { S: firstName } })
  return streamRecord({ sequence, eventName, key: { S: key }, newImage: itsImage, oldImage: itsImage })
}

describe('a batch of the stream', () => {
  let sync: TestSync
  // What is parked stays: each test has keys of its own.
  let KEY: string
  let OTHER: string

  beforeAll(async () => {
    sync = await openTestSync([chef, dish], { chef: 'Chefs', dish: 'Dishes' })
    await sync.aurora.legacy.query(
      'CREATE TABLE dishtable (dish_no BIGINT AUTO_INCREMENT PRIMARY KEY, dishtitle VARCHAR(20))',
    )
    await sync.aurora.legacy.query(`ALTER TABLE dishtable
      ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL UNIQUE INVISIBLE,
      ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
      ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL INVISIBLE,
      ADD COLUMN backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
      ADD COLUMN backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE`)
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    sync.entries.length = 0
    KEY = `1-${randomUUID()}`
    OTHER = `2-${randomUUID()}`
    await sync.aurora.empty()
    await sync.aurora.legacy.query('TRUNCATE dishtable')
  })
  afterEach(() => sync.aurora.api.faults.clear())

  const chefs = async (): Promise<unknown[]> => {
    const [rows] = await sync.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k, cheffirst AS f, backsync_version AS v FROM cheftable ORDER BY id',
    )
    return rows.map(({ k, f, v }) => [k, f, Number(v)])
  }
  it('is applied, and nothing is reported', async () => {
    expect(await sync.deliver(chefRecord('1', KEY, '1'), chefRecord('2', OTHER, '1'))).toEqual(nothing)
    expect(await chefs()).toEqual([
      [KEY, 'v1', 1],
      [OTHER, 'v1', 1],
    ])
  })

  it('may write one key several times; the newest counts', async () => {
    const answer = await sync.deliver(
      chefRecord('1', KEY, '1'),
      chefRecord('2', KEY, '2'),
      chefRecord('3', OTHER, '1'),
      chefRecord('4', OTHER, '1', 'gone', 'REMOVE'),
    )

    expect(answer).toEqual(nothing)
    expect(await chefs()).toEqual([[KEY, 'v2', 2]])
  })

  it('changes nothing when it is delivered again', async () => {
    const records = [
      chefRecord('1', KEY, '1'),
      chefRecord('2', OTHER, '1'),
      chefRecord('3', OTHER, '1', 'x', 'REMOVE'),
    ]
    await sync.deliver(...records)

    expect(await sync.deliver(...records)).toEqual(nothing)
    expect(await sync.deliver(...records.toReversed())).toEqual(nothing)
    expect(await chefs()).toEqual([[KEY, 'v1', 1]])
  })

  it('parks exactly its bad records, whether they are bad by themselves or to the store', async () => {
    await sync.deliver(chefRecord('1', KEY, '1'))

    const answer = await sync.deliver(
      chefRecord('2', OTHER, '1'),
      chefRecord('3', OTHER, '0'),
      // Row 1 has a key of its own: as a key, its id is somebody else's.
      chefRecord('4', '1', '9'),
      chefRecord('5', KEY, '2'),
      chefRecord('6', '500', '1'),
    )

    expect(answer).toEqual(nothing)
    expect(await sync.parked('chef')).toEqual([
      ['1', 'data', 'key.taken'],
      [OTHER, 'data', 'record.invalid'],
    ])
    expect(sync.counts()).toMatchObject({ 'chef Parked': 2 })
    expect(await chefs()).toEqual([
      [KEY, 'v2', 2],
      [OTHER, 'v1', 1],
      ['500', 'v1', 1],
    ])
  })

  it('may hold nothing but bad records', async () => {
    expect(await sync.deliver(chefRecord('1', KEY, '0'), chefRecord('2', OTHER, '-1'))).toEqual(nothing)

    expect(await chefs()).toEqual([])
    expect(await sync.parked('chef')).toEqual(
      expect.arrayContaining([
        [KEY, 'data', 'record.invalid'],
        [OTHER, 'data', 'record.invalid'],
      ]),
    )
  })

  it('names each bad record in the log by key and reason, and shows no value', async () => {
    await sync.deliver(chefRecord('1', KEY, '1'))
    sync.entries.length = 0
    await sync.deliver(chefRecord('2', OTHER, '0', 'hunter2'), chefRecord('3', '1', '9', 'hunter2'))

    expect(sync.entries).toEqual([
      ['info', 'applied', { entity: 'chef', key: '1', version: '9', applied: 0, skipped: 0, refused: 1 }],
      [
        'error',
        'parked',
        {
          entity: 'chef',
          key: OTHER,
          code: 'record.invalid',
          class: 'data',
          reason: 'version is not a positive integer',
        },
      ],
      [
        'error',
        'parked',
        {
          entity: 'chef',
          key: '1',
          version: '9',
          code: 'key.taken',
          class: 'data',
          reason: 'The key is the id of a chef that has a key of its own',
        },
      ],
    ])
    expect(JSON.stringify(sync.entries)).not.toContain('hunter2')
  })

  it('may hold records of several entities, each applied to its own table', async () => {
    const soup = {
      dishId: { S: KEY },
      title: { S: 'Soup' },
      version: { N: '1' },
      updatedAt: { S: '2026-11-22T03:00:00Z' },
    }
    const record = streamRecord({ table: 'Dishes', sequence: '2', newImage: soup })
    const dishRecord = { ...record, dynamodb: { ...record.dynamodb, Keys: { dishId: { S: KEY } } } }

    expect(await sync.deliver(chefRecord('1', KEY, '1'), dishRecord)).toEqual(nothing)
    expect(await chefs()).toEqual([[KEY, 'v1', 1]])
    const [dishes] = await sync.aurora.legacy.query('SELECT dish_no, dishtitle, backsync_key FROM dishtable')
    expect(dishes).toEqual([{ dish_no: '1', dishtitle: 'Soup', backsync_key: KEY }])
  })

  it.each([
    // As the last repeat, or as the time that is over before it.
    ['is not reachable', { kind: 'drop-before' } as const, /^(data-api\..+|deadline\.exceeded)$/],
    [
      'throttles',
      { kind: 'throttle' } as const,
      /^(data-api\.ThrottlingException|deadline\.exceeded|data-api\.TimeoutError|data-api\.AbortError)$/,
    ],
    [
      'refuses the secret',
      { kind: 'error', error: 'ForbiddenException' } as const,
      /^data-api\.ForbiddenException$/,
    ],
  ])('fails whole when the store %s, so that all of it is delivered again', async (_, fault, code) => {
    sync.aurora.api.faults.add(fault)
    const records = [chefRecord('1', KEY, '0'), chefRecord('2', OTHER, '1')]
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 1_500 })
    const sink = new AuroraSink([chef, dish], {
      writer: sync.aurora.writerUntil(deadline),
      store: sync.aurora.store,
    })

    await expect(sync.deliverWith({ sink, deadline }, ...records)).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(code) }),
    )

    sync.aurora.api.faults.clear()
    expect(await chefs()).toEqual([])
    expect(await sync.deliver(...records)).toEqual(nothing)
    expect(await chefs()).toEqual([[OTHER, 'v1', 1]])
  })
})
