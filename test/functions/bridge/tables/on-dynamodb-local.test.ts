import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { jobsTable } from '../../../../functions/bridge/jobs/job-settings.ts'
import { canonicalText, decodeItem } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import { replicate } from '../../../../functions/bridge/tables/projection.ts'
import { STAMP } from '../../../../functions/bridge/tables/stamp.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { everyType } from '../../../support/arbitrary-item.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type DynamoDbLocal, dynamoDbLocalJar, startDynamoDbLocal } from '../../../support/dynamodb-local.ts'
import { openKeptTables } from '../../../support/kept-tables.ts'
import { planAndCopy } from '../copy/plan-and-copy.ts'
import { testWhateverIsWritten } from './reshape-suite.ts'

/*
 * What the other suites show on the packaged emulator, once more on Amazon's own: DYNAMODB_LOCAL_JAR names its jar, or the
 * folder that has it, and Java 17 is needed. The npm package amplify-dynamodb-simulator has one.
 */
const jar = await dynamoDbLocalJar()
if (jar === undefined) console.log('DynamoDB Local is not tested: DYNAMODB_LOCAL_JAR names no jar')
const suite = jar === undefined ? describe.skip : describe

const show = (items: readonly Parameters<typeof decodeItem>[0][]): readonly string[] =>
  items.map((item) => canonicalText(decodeItem(item, 'item'))).toSorted()

suite('on DynamoDB Local', () => {
  let server: DynamoDbLocal
  let ground: TestTables

  beforeAll(async () => {
    server = await startDynamoDbLocal(jar ?? '')
    ground = openTestTables(server.endpoint)
  }, 60_000)
  afterAll(async () => {
    await ground.close()
    await server.stop()
  })

  it('a copy that was stopped goes on, and has every item of every type', async () => {
    const key = keySchema({ partition: 'id' }, 'copied')
    const [from, to] = [await ground.create('from', key), await ground.create('to', key)]
    const items = Array.from({ length: 300 }, (_, at) => ({ ...everyType, id: { S: `item ${at}` } }))
    for (const item of items) await ground.put(from, item)
    // What was there before has to go.
    for (let at = 0; at < 60; at++) await ground.put(to, { id: { S: `old ${at}` } })

    const jobs = new DynamoJobs({
      client: ground.client,
      table: await ground.create(
        'jobs',
        keySchema({ partition: jobsTable.partition, sort: jobsTable.sort }, 'jobs'),
      ),
      deadline: new Deadline(),
    })
    const stop = new AbortController()
    const run = (signal?: AbortSignal) =>
      planAndCopy(
        {
          sourceTableName: from,
          destinationTableName: to,
          cleanupDestinationTable: true,
          migrate: true,
          segments: 4,
        },
        {
          clients: { source: ground.client, destination: ground.client },
          jobs,
          deadline: new Deadline(),
          by: 'test',
          concurrency: 1,
          ...(signal && { signal }),
          onProgress: ({ step }) => {
            if (step === 'migrate') stop.abort()
          },
        },
      )
    expect(await run(stop.signal)).toMatchObject({ done: false, cleaned: 60 })
    expect((await ground.all(to)).length).toBeLessThan(items.length)

    expect(await run()).toMatchObject({ done: true, copied: 300, equal: true, refused: [], refusedItems: 0 })
    expect(show(await ground.all(to))).toEqual(show(items))
  }, 60_000)

  it('its stream keeps a table with another key: inserts, moves, collisions, deletes', async () => {
    const source = defineTable({ name: 'people', key: { partition: 'email' } })
    const projection = replicate({
      from: source,
      to: 'people-by-city',
      key: { partition: 'state', sort: 'city' },
      omit: ['no'],
    })
    const kept = await openKeptTables(ground, [projection], { stream: true })
    const at = (name: string): string => kept.tables[name] ?? ''
    const person = (email: string, city: string) => ({
      ...everyType,
      email: { S: email },
      state: { S: 'VT' },
      city: { S: city },
    })
    const keep = async (): Promise<void> => {
      const Records: unknown = JSON.parse(JSON.stringify(await ground.records(at('people'))))
      expect(await keepTables({ Records }, [projection], kept.parts())).toEqual({ batchItemFailures: [] })
    }
    await ground.put(at('people'), person('a', 'Barre'))
    await ground.put(at('people'), person('b', 'Stowe'))
    await keep()
    await ground.put(at('people'), person('b', 'Barre'))
    await ground.put(at('people'), person('c', 'Essex'))
    // All records of the stream, the first ones once more.
    await keep()
    const cities = async () =>
      (await ground.all(at('people-by-city'))).map(({ city, email }) => `${city?.S} ${email?.S}`).toSorted()
    expect(await cities()).toEqual(['Barre a', 'Essex c'])
    expect([...(await kept.parts().parking.parkedOf('people-by-city')).keys()]).toEqual(['b'])

    await ground.remove(at('people'), { email: { S: 'a' } })
    await keep()
    expect(await cities()).toEqual(['Barre b', 'Essex c'])
    const [stored] = (await ground.all(at('people-by-city'))).filter(({ email }) => email?.S === 'b')
    const expected = Object.fromEntries(
      Object.entries(person('b', 'Barre')).filter(([name]) => name !== 'no'),
    )
    const { [STAMP.version]: version, [STAMP.source]: of, ...own } = stored ?? {}
    expect(show([own])).toEqual(show([expected]))
    expect([version?.S?.length, of]).toEqual([50, { S: 'b' }])
  }, 60_000)

  testWhateverIsWritten({ runs: 8, options: () => ({ endpoint: server.endpoint, segments: 2 }) })
})
