import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Kysely } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { toBatches } from '../../../../functions/bridge/aurora/batch.ts'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { DataApiDialect } from '../../../../functions/bridge/drivers/data-api/dialect.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { canonicalText, DecimalText, type Value } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { createSpecimens, specimen } from '../../fixtures/specimen.ts'

/** @see RDS Data API reference, ExecuteStatement */
const FOUR_MIB = 4 * 1024 * 1024
/** @see DynamoDB developer guide, limits: an item's size, names and UTF-8 text counted */
const LARGEST_ITEM = 400 * 1024

const AT = '2026-11-22T03:00:00.123Z'
const upsert = (key: string, row: Row, version = 1n): Change => ({
  entity: 'specimen',
  key,
  op: 'upsert',
  version,
  source: 'stream',
  at: AT,
  row,
})
const remove = (key: string): Change => {
  const { entity, source, at } = upsert(key, {})
  return { entity, key, op: 'delete', version: 9n, source, at }
}
const keys = (count: number): string[] => Array.from({ length: count }, (_, at) => `key-${at}`)

describe('cutting changes into batches', () => {
  it('keeps what fits together, in its order', () => {
    const changes = keys(1000).map((key) => upsert(key, { word: 'x' }))

    expect(toBatches(specimen, changes, 'aurora').map((batch) => batch.changes)).toEqual([changes])
  })

  it('makes nothing of nothing', () => {
    expect(toBatches(specimen, [], 'aurora')).toEqual([])
  })

  it('loses and repeats no change, and leaves their order', () => {
    const changes = keys(500).map((key) => upsert(key, { story: 'x'.repeat(20_000) }))
    const batches = toBatches(specimen, changes, 'aurora')

    expect(batches.length).toBeGreaterThan(1)
    expect(batches.flatMap((batch) => batch.changes)).toEqual(changes)
  })

  it('fills a batch: two neighbours never fit into one', () => {
    const sizes = toBatches(
      specimen,
      keys(500).map((key) => upsert(key, { story: 'x'.repeat(20_000) })),
      'aurora',
    ).map(({ document }) => document.length)

    for (const [at, size] of sizes.slice(1).entries())
      expect(size + (sizes[at] ?? 0)).toBeGreaterThan(3_500_000)
  })

  it.each([
    ['keys', ['a', 'b']],
    ['ids', ['1', '2']],
    ['ids', ['a', '2']],
  ])('says that its keys are looked up as %s', (lookup, own) => {
    const [batch] = toBatches(
      specimen,
      own.map((key) => upsert(key, {})),
      'aurora',
    )

    expect(batch?.lookup).toBe(lookup)
  })
})

describe('every request of a batch', () => {
  let aurora: TestAurora
  let sdk: RDSDataClient
  let writer: GuardedWriter
  /** Whether requests are only written, and not sent: the server has nothing to say about their size. */
  let unsent = false
  /** Bytes of the requests, as the SDK has written them. */
  let sizes: number[] = []

  beforeAll(async () => {
    aurora = await openTestAurora()
    await createSpecimens(aurora.legacy)
    sdk = new RDSDataClient({
      endpoint: aurora.api.endpoint,
      maxAttempts: 1,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    sdk.middlewareStack.add(
      (next) => async (args) => {
        const { request } = args
        const body: unknown =
          typeof request === 'object' && request !== null ? Reflect.get(request, 'body') : ''
        sizes.push(
          typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : NaN,
        )
        return unsent ? { response: {}, output: { $metadata: {}, transactionId: 'none' } } : next(args)
      },
      { step: 'finalizeRequest', name: 'measure' },
    )
    const resourceArn = `arn:aws:rds:us-east-1:000000000000:cluster:${aurora.database}`
    const { secretArn, database } = aurora
    const config = { client: sdk, resourceArn, secretArn, database, deadline: new Deadline() }
    writer = new GuardedWriter(new Kysely<unknown>({ dialect: new DataApiDialect(config) }))
  })
  afterAll(async () => {
    sdk.destroy()
    await aurora.close()
  })

  beforeEach(async () => {
    sizes = []
    unsent = false
    for (const table of ['specimens', 'backsync_tombstones'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const many = (row: Row, bytes: number): Change[] =>
    keys(Math.ceil((1.2 * FOUR_MIB) / bytes)).map((key) => upsert(key, row))

  it.each<[string, Change[]]>([
    ['plain text', many({ story: 'x'.repeat(20_000) }, 20_000)],
    ['quotes', many({ story: '"'.repeat(20_000) }, 40_000)],
    ['backslashes', many({ story: '\\'.repeat(20_000) }, 40_000)],
    ['control characters, which grow sevenfold', many({ story: '\u0001'.repeat(20_000) }, 100_000)],
    ['4-byte text', many({ story: '👩'.repeat(20_000) }, 80_000)],
    ['binary', many({ bytes: Buffer.alloc(300, 255) }, 400)],
    ['small rows, mostly punctuation', many({ flag: true }, 100)],
    ['child rows', many({ parts: Array(200).fill({ flag: true }) }, 8_000)],
    ['deletes', keys(60_000).map((key) => remove(key))],
  ])(
    'stays below 4 MiB with %s',
    async (_, changes) => {
      unsent = true
      await writer.apply(specimen, changes)

      expect(Math.max(...sizes)).toBeLessThan(FOUR_MIB - 16 * 1024)
      // And they were more than one request takes, or the test shows nothing.
      expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(FOUR_MIB)
    },
    60_000,
  )

  const numbers = (text: string, bytesEach: number): Value =>
    Array(Math.floor(LARGEST_ITEM / bytesEach)).fill(new DecimalText(text))

  it.each<[string, Value]>([
    ['plain text', 'x'.repeat(LARGEST_ITEM)],
    ['quotes', '"'.repeat(LARGEST_ITEM)],
    ['control characters, which grow ninefold', '\u0001'.repeat(LARGEST_ITEM)],
    ['4-byte text', '👩'.repeat(LARGEST_ITEM / 4)],
    ['large numbers in exponent form, of 3 bytes each', numbers('1E+125', 3)],
    ['small numbers in exponent form, of 3 bytes each', numbers('1E-130', 3)],
    ['names that are all quotes', { ['"'.repeat(60_000)]: { ['"'.repeat(60_000)]: '"'.repeat(280_000) } }],
  ])(
    'stays below 4 MiB with one item of 400 KB: a document of %s',
    async (_, document) => {
      expect(await writer.apply(specimen, [upsert('a', { document }), remove('b')])).toMatchObject({
        applied: 1,
      })

      expect(Math.max(...sizes)).toBeLessThan(FOUR_MIB - 16 * 1024)
      // Read past the Data API, which returns no more than 1 MiB at once.
      const [[row]] = await aurora.legacy.query<RowDataPacket[]>(
        'SELECT CAST(document AS CHAR) AS d FROM specimens',
      )
      const read = specimen.attributes.document?.fromSql(row?.d) ?? null
      // Compared here, because a message about two such values would be of no use.
      expect(canonicalText(read) === canonicalText(document)).toBe(true)
    },
    60_000,
  )
})
