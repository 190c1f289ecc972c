import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { chefWrittenBy } from '../../../fixtures/legacy-functions/entities.ts'
import { arnOf, type Opened, openTestFunctions, type TestFunctions } from './harness.ts'

const KEY = '01990000-0000-7000-8000-000000000001'

/** As an article of 2020 has it: INSERT only, HTML with 200 also where it fails, no key, no version. It isn't changed for us. */
describe.each(['api', 'stream'] as const)('a handler of 2020, called with an event of the %s', (by) => {
  const chef = chefWrittenBy(by, { functionArn: arnOf('article') })
  let functions: TestFunctions
  let own: Opened
  beforeAll(async () => {
    functions = await openTestFunctions([chef], { article: { handler: 'article.handler', timeout: 5 } })
  })
  afterAll(() => functions.close())
  beforeEach(async () => {
    own = functions.open()
    await functions.aurora.empty()
    for (const table of ['backsync_records', 'backsync_calls'])
      await functions.aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const upsert = (firstName: string, version = 1, source = 'stream'): Change => ({
    ...{ entity: 'chef', key: KEY, version: BigInt(version), source, at: '2026-11-22T03:00:00.123Z' },
    ...{ op: 'upsert', row: { firstName, lastName: "O'Hara" } },
  })
  const rows = async () => {
    const [found] = await functions.aurora.legacy.query<RowDataPacket[]>(
      'SELECT cheffirst, cheflast FROM cheftable ORDER BY id',
    )
    return found.map(({ cheffirst, cheflast }) => [cheffirst, cheflast])
  }

  it('makes what comes from the stream, once, and under its key', async () => {
    expect(await own.sink.applyIsolating('chef', [upsert('Ada')])).toMatchObject({ applied: 1, refused: [] })
    expect(await own.sink.applyIsolating('chef', [upsert('Ada')])).toMatchObject({ applied: 0, refused: [] })
    expect(await rows()).toEqual([['Ada', "O'Hara"]])
    expect(await own.store.get(chef, KEY)).toMatchObject({ key: KEY, version: 1n, row: { firstName: 'Ada' } })
  })

  it('makes what a client posts to /aurora, under the same key', async () => {
    expect(await own.store.write(chef, upsert('Bea', 1, 'api'))).toMatchObject({ key: KEY, version: 1n })
    expect(await rows()).toEqual([['Bea', "O'Hara"]])
  })

  it('is not asked for what it has no code for: that is refused by name, and the row stays as it is', async () => {
    await own.sink.applyIsolating('chef', [upsert('Ada')])
    const { op: _, ...change } = upsert('Ada', 3)
    const { refused } = await own.sink.applyIsolating('chef', [upsert('Eve', 2)])
    const gone = await own.sink.applyIsolating('chef', [
      { entity: 'chef', key: KEY, version: 3n, source: change.source, at: change.at, op: 'delete' },
    ])

    expect([...refused, ...gone.refused]).toMatchObject([
      { error: { code: 'legacy-function.no-event', message: expect.stringContaining('replace') } },
      { error: { code: 'legacy-function.no-event', message: expect.stringContaining('delete') } },
    ])
    expect(await rows()).toEqual([['Ada', "O'Hara"]])
  })

  it('says sorry with 200: that is refused, with its answer, and nothing is recorded', async () => {
    const { refused } = await own.sink.applyIsolating('chef', [upsert('x'.repeat(300))])

    expect(refused).toMatchObject([
      {
        error: { code: 'legacy-function.refused', kind: 'data', evidence: expect.stringContaining('Sorry') },
      },
    ])
    expect(await own.store.get(chef, KEY)).toBeUndefined()
    expect(await rows()).toEqual([])
  })
})
