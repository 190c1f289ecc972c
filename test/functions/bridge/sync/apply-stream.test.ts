import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Entity } from '../../../../functions/bridge/entity.ts'
import {
  normaliseStreamEvent,
  type StreamBatch,
  tableIndex,
} from '../../../../functions/bridge/normalise/stream.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { Log } from '../../../../functions/bridge/runtime/log.ts'
import { applyStream, type StreamAnswer } from '../../../../functions/bridge/sync/apply-stream.ts'
import { chef } from '../../../../functions/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { dish } from '../../fixtures/dish.ts'
import { image, KEY, streamEvent, streamRecord } from '../../fixtures/stream-events.ts'

const OTHER = '01990000-0000-7000-8000-000000000002'
const tables = tableIndex([chef, dish], { chef: 'Chefs', dish: 'Dishes' })

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
  let aurora: TestAurora
  const entries: unknown[][] = []
  const keep =
    (level: string) =>
    (message: string, fields: unknown): void =>
      void entries.push([level, message, fields])
  const log: Log = { info: keep('info'), warn: keep('warn'), error: keep('error') }

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(
      'CREATE TABLE dishtable (dish_no BIGINT AUTO_INCREMENT PRIMARY KEY, dishtitle VARCHAR(20))',
    )
    await aurora.legacy.query(`ALTER TABLE dishtable
      ADD COLUMN backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL UNIQUE INVISIBLE,
      ADD COLUMN backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
      ADD COLUMN backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL INVISIBLE`)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    entries.length = 0
    for (const table of ['cheftable', 'dishtable']) await aurora.legacy.query(`TRUNCATE ${table}`)
    await aurora.legacy.query('DELETE FROM backsync_tombstones')
  })
  afterEach(() => aurora.api.faults.clear())

  const read = (...records: unknown[]): StreamBatch => {
    const batch = normaliseStreamEvent(streamEvent(...records), tables)
    if (batch === undefined) throw new Error('not a stream event')
    return batch
  }
  const deliver = (entities: readonly Entity[], ...records: unknown[]): Promise<StreamAnswer> =>
    applyStream(read(...records), entities, aurora.writer, log)
  const chefs = async (): Promise<unknown[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k, cheffirst AS f, backsync_version AS v FROM cheftable ORDER BY id',
    )
    return rows.map(({ k, f, v }) => [k, f, Number(v)])
  }
  const failures = (...sequences: string[]): StreamAnswer => ({
    batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })),
  })

  it('is applied, and nothing is reported', async () => {
    expect(await deliver([chef], chefRecord('1', KEY, '1'), chefRecord('2', OTHER, '1'))).toEqual(failures())
    expect(await chefs()).toEqual([
      [KEY, 'v1', 1],
      [OTHER, 'v1', 1],
    ])
  })

  it('may write one key several times; the newest counts', async () => {
    const answer = await deliver(
      [chef],
      chefRecord('1', KEY, '1'),
      chefRecord('2', KEY, '2'),
      chefRecord('3', OTHER, '1'),
      chefRecord('4', OTHER, '1', 'gone', 'REMOVE'),
    )

    expect(answer).toEqual(failures())
    expect(await chefs()).toEqual([[KEY, 'v2', 2]])
  })

  it('changes nothing when it is delivered again', async () => {
    const records = [
      chefRecord('1', KEY, '1'),
      chefRecord('2', OTHER, '1'),
      chefRecord('3', OTHER, '1', 'x', 'REMOVE'),
    ]
    await deliver([chef], ...records)

    expect(await deliver([chef], ...records)).toEqual(failures())
    expect(await deliver([chef], ...records.toReversed())).toEqual(failures())
    expect(await chefs()).toEqual([[KEY, 'v1', 1]])
  })

  it('reports exactly its bad records, whether they are bad by themselves or to the store', async () => {
    await deliver([chef], chefRecord('1', KEY, '1'))

    const answer = await deliver(
      [chef],
      chefRecord('2', OTHER, '1'),
      chefRecord('3', OTHER, '0'),
      // Row 1 has a key of its own: as a key, its id is somebody else's.
      chefRecord('4', '1', '9'),
      chefRecord('5', KEY, '2'),
      chefRecord('6', '500', '1'),
    )

    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()).toEqual([
      '3',
      '4',
    ])
    expect(await chefs()).toEqual([
      [KEY, 'v2', 2],
      [OTHER, 'v1', 1],
      [null, 'v1', 1],
    ])
  })

  it('that holds nothing but bad records is reported whole', async () => {
    expect(await deliver([chef], chefRecord('1', KEY, '0'), chefRecord('2', OTHER, '-1'))).toEqual(
      failures('1', '2'),
    )
    expect(await chefs()).toEqual([])
  })

  it('names each bad record in the log by key and reason, and shows no value', async () => {
    await deliver([chef], chefRecord('1', KEY, '1'))
    entries.length = 0
    await deliver([chef], chefRecord('2', OTHER, '0', 'hunter2'), chefRecord('3', '1', '9', 'hunter2'))

    expect(entries).toEqual([
      [
        'error',
        'bad record',
        { sequenceNumber: '2', key: OTHER, error: expect.objectContaining({ code: 'record.invalid' }) },
      ],
      ['info', 'applied', { entity: 'chef', applied: 0, skipped: 0, refused: 1 }],
      [
        'error',
        'refused change',
        { entity: 'chef', key: '1', version: '9', error: expect.objectContaining({ code: 'key.taken' }) },
      ],
    ])
    expect(JSON.stringify(entries)).not.toContain('hunter2')
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

    expect(await deliver([chef, dish], chefRecord('1', KEY, '1'), dishRecord)).toEqual(failures())
    expect(await chefs()).toEqual([[KEY, 'v1', 1]])
    const [dishes] = await aurora.legacy.query('SELECT dish_no, dishtitle, backsync_key FROM dishtable')
    expect(dishes).toEqual([{ dish_no: '1', dishtitle: 'Soup', backsync_key: KEY }])
  })

  it.each([
    ['is not reachable', { kind: 'drop-before' } as const, /^data-api\./],
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
    aurora.api.faults.add(fault)
    const records = [chefRecord('1', KEY, '0'), chefRecord('2', KEY, '1')]
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 1_500 })

    await expect(applyStream(read(...records), [chef], aurora.writerUntil(deadline), log)).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(code) }),
    )

    aurora.api.faults.clear()
    expect(await chefs()).toEqual([])
    expect(await deliver([chef], ...records)).toEqual(failures('1'))
    expect(await chefs()).toEqual([[KEY, 'v1', 1]])
  })
})
