import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoMarks } from '../../../../functions/bridge/jobs/dynamo-marks.ts'
import { ForeignJobItemError } from '../../../../functions/bridge/jobs/job-items.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { type JobTables, openJobTables, readAll } from './job-tables.ts'

describe('the marks that DynamoDB was told', () => {
  let tables: JobTables
  let marks: DynamoMarks
  beforeAll(async () => {
    tables = await openJobTables()
    marks = new DynamoMarks({ client: tables.client, table: tables.jobsTable, deadline: new Deadline() })
  })
  afterAll(() => tables.close())

  const told = (mark: number, token: string) => ({ mark: BigInt(mark), token })

  it('are none at first, and are told over what was read only, all of them or none', async () => {
    expect(await marks.read()).toEqual(new Map())
    const [chef, dish] = [
      { entity: 'chef', was: undefined, next: told(1, 'c1') },
      { entity: 'dish', was: undefined, next: told(1, 'd1') },
    ]
    expect(await marks.tell([chef])).toBeUndefined()
    const there = new Map([['chef', told(1, 'c1')]])
    expect(await marks.tell([dish, chef])).toEqual(there)
    expect(await marks.read()).toEqual(there)
    expect(await marks.tell([dish, { ...chef, was: told(1, 'c1'), next: told(2, 'c2') }])).toBeUndefined()
    expect(await marks.tell([{ ...dish, was: told(1, 'd0') }])).toEqual(
      new Map([
        ['chef', told(2, 'c2')],
        ['dish', told(1, 'd1')],
      ]),
    )
  })

  it('are no job, and never expire', async () => {
    await marks.tell([{ entity: 'menu', was: undefined, next: told(7, 'a') }])
    expect(await tables.jobs().list()).toEqual([])
    const [item, ...others] = await readAll(tables.client, tables.jobsTable)
    expect([item?.expires, others]).toEqual([undefined, []])
  })

  it('are refused by name in a form that nobody has written', async () => {
    const [item] = await readAll(tables.client, tables.jobsTable)
    await tables.client.send(
      new PutItemCommand({ TableName: tables.jobsTable, Item: { ...item, 'of:chef': { N: '1' } } }),
    )
    await expect(marks.read()).rejects.toThrow(ForeignJobItemError)
    await expect(marks.read()).rejects.toThrow('of:chef')
  })
})
