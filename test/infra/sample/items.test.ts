import { DeleteTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeItem } from '../../../functions/bridge/model/values.ts'
import { projectRow } from '../../../functions/bridge/tables/project.ts'
import { userPreferences, userPreferencesV2 } from '../../../functions/sample/tables/user-preferences.ts'
import { users } from '../../../functions/sample/tables/users.ts'
import { RESTORED, writeSample } from '../../../infra/sample/items.ts'
import { openTestTables, type TestTables } from '../../support/dynamo-tables.ts'

let ground: TestTables
let preferences: string

beforeAll(async () => {
  ground = openTestTables()
  preferences = await ground.create('preferences', userPreferences.key)
})
afterAll(async () => {
  await ground.client.send(new DeleteTableCommand({ TableName: RESTORED }))
  await ground.close()
})

describe('the sample', () => {
  it('is the same however often it is written, and every item has a place in the new table', async () => {
    expect(await writeSample(ground.client, preferences)).toEqual({ preferences: 1_000, users: 500 })
    await writeSample(ground.client, preferences)
    expect(await ground.all(preferences)).toHaveLength(1_000)

    const places = (await ground.all(preferences)).map(
      (item) => projectRow(userPreferencesV2, decodeItem(item, 'item'))?.key,
    )
    expect(new Set(places).size).toBe(1_000)
    expect(places).not.toContain(undefined)
  })

  it('has users in a table that can be copied to that of the users', async () => {
    const { Table } = await ground.client.send(new DescribeTableCommand({ TableName: RESTORED }))
    expect(Table?.KeySchema).toEqual([{ AttributeName: users.key.partition.name, KeyType: 'HASH' }])
    expect(await ground.all(RESTORED)).toHaveLength(500)
  })
})
