import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { normaliseStreamEvent } from '../../../../functions/bridge/normalise/stream.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs, times } from '../../../support/runs.ts'
import { oven, pan } from '../../fixtures/kitchen.ts'
import { adopted } from '../../fixtures/specimen.ts'
import { streamEvent, streamRecord } from '../../fixtures/stream-events.ts'

const KITCHEN = 'Kitchen'
const tables = entityReaders([oven, pan], { kitchen: KITCHEN })
const FIRST_SECOND = 1_795_316_400

type Write = {
  readonly key: string
  readonly fuel: string | undefined
  readonly second: number
  readonly place: bigint
}

/** The record that a writer without versions leaves in the stream; without fuel the item was deleted. */
const recordOf = ({ key, fuel, second, place }: Write) => {
  const image = { kind: { S: 'oven' }, fuel: { S: fuel ?? 'gone' } }
  const made = streamRecord({
    table: KITCHEN,
    eventName: fuel === undefined ? 'REMOVE' : 'MODIFY',
    created: second,
    sequence: String(place),
  })
  const images = fuel === undefined ? { OldImage: image, NewImage: undefined } : { NewImage: image }
  return { ...made, dynamodb: { ...made.dynamodb, Keys: { pk: { S: `OVEN#${key}` } }, ...images } }
}

/** One after the other, as a stream has them: time never goes back, sequence numbers grow, up to 40 digits. */
const writes: fc.Arbitrary<Write[]> = fc
  .array(
    fc.record({
      key: fc.constantFrom('1', 'a', 'b'),
      deletes: fc.boolean(),
      pause: fc.constantFrom(0, 0, 0, 1, 60),
      step: fc.oneof(fc.constant(1n), fc.bigInt({ min: 1n, max: 10n ** 38n })),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((steps) => {
    let [second, place] = [FIRST_SECOND, 800_000_000_003_126_276_362n]
    return steps.map(({ key, deletes, pause, step }, at) => {
      second += pause
      place += step
      return { key, second, place, fuel: deletes ? undefined : `f${at}` }
    })
  })

describe('a table whose writers keep no version', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query(
      // The key '1' is a row's id: no other key may have come to it before.
      `CREATE TABLE oventable (id BIGINT AUTO_INCREMENT PRIMARY KEY, fuel VARCHAR(40) NULL, ${adopted('DECIMAL(50, 0)')})
       AUTO_INCREMENT = 1000`,
    )
    await aurora.legacy.query(
      `CREATE TABLE pantable (id BIGINT AUTO_INCREMENT PRIMARY KEY, material VARCHAR(40), litres INT, has_lid TINYINT(1),
       ${adopted()})`,
    )
  })
  afterAll(() => aurora.close())

  const empty = async (): Promise<void> => {
    for (const table of ['oventable', 'pantable', 'backsync_tombstones'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
  }
  beforeEach(empty)

  const deliver = async (records: readonly unknown[], by: GuardedWriter = aurora.writer) => {
    const batch = normaliseStreamEvent(streamEvent(...records), tables)
    const changes = (batch?.changes ?? []).map(({ change }) => change)
    for (const entity of [oven, pan]) {
      const own = changes.filter((change) => change.entity === entity.name)
      if (own.length > 0) await by.apply(entity, own)
    }
    return batch?.rejected ?? []
  }

  const stored = async (): Promise<unknown[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, fuel, backsync_version AS v FROM oventable ORDER BY 1',
    )
    return rows.map(({ k, fuel, v }) => [k, fuel, String(v)])
  }

  /** What the last write of each key leaves. */
  const model = (history: readonly Write[]): unknown[] =>
    [...new Map(history.map((write) => [write.key, write])).values()]
      .filter(({ fuel }) => fuel !== undefined)
      .map(({ key, fuel, second, place }) => [key, fuel, `${second}${String(place).padStart(40, '0')}`])
      .sort()

  const lastWriteWins = (by: GuardedWriter) =>
    fc.asyncProperty(
      writes.chain((history) => {
        const length = history.length * 2
        const twice = fc.shuffledSubarray([...history, ...history], { minLength: length, maxLength: length })
        return fc.tuple(fc.constant(history), twice, fc.integer({ min: 1, max: 6 }))
      }),
      async ([history, deliveries, size]) => {
        await empty()
        for (let at = 0; at < deliveries.length; at += size)
          await deliver(deliveries.slice(at, at + size).map(recordOf), by)
        expect(await stored()).toEqual(model(history))
      },
    )

  it(
    'ends with the last write of each key, whatever the batches, the repeats and the order',
    async () => {
      await fc.assert(lastWriteWins(aurora.writer), runs(25, { seed: 42, short: 10 }))
    },
    times(60_000),
  )

  it(
    'would not without the guard',
    async () => {
      const { failed } = await fc.check(lastWriteWins(aurora.writerWithoutGuard()), {
        ...runs(25, { seed: 42, short: 10 }),
        endOnFailure: true,
      })

      expect(failed).toBe(true)
    },
    times(60_000),
  )

  it('tells two writes apart whose sequence numbers differ in the fortieth digit only', async () => {
    const place = 10n ** 39n
    const write = (fuel: string, at: bigint): Write => ({ key: 'a', fuel, second: FIRST_SECOND, place: at })
    await deliver([recordOf(write('new', place + 1n))])
    await deliver([recordOf(write('old', place))])

    expect(await stored()).toEqual([['a', 'new', `${FIRST_SECOND}${place + 1n}`]])
  })

  it('keeps a version of 50 digits exactly, for whoever reads it', async () => {
    const write = { key: 'a', fuel: 'wood', second: 2 ** 31 - 1, place: 10n ** 40n - 1n }
    await deliver([recordOf(write)])

    expect((await aurora.store.get(oven, 'a'))?.version).toBe(BigInt(`2147483647${'9'.repeat(40)}`))
  })

  it('applies nothing of a record without version where the other writers count', async () => {
    const item = (version: object) => ({ kind: { S: 'pan' }, material: { S: 'copper' }, ...version })
    const record = (newImage: object, oldImage?: object) => {
      const made = streamRecord({ table: KITCHEN, eventName: 'MODIFY' })
      const images = { Keys: { pk: { S: 'a' } }, NewImage: newImage, OldImage: oldImage }
      return { ...made, dynamodb: { ...made.dynamodb, ...images } }
    }
    const counted = item({ version: { N: '4' } })
    const uncounted = { ...item({}), material: { S: 'tin' } }

    expect(await deliver([record(counted)])).toEqual([])
    expect(await deliver([record(uncounted, counted)])).toMatchObject([
      { entity: 'pan', key: 'a', error: { message: 'version is missing or not a number' } },
    ])
    expect(await aurora.store.get(pan, 'a')).toMatchObject({ version: 4n, row: { material: 'copper' } })
  })
})
