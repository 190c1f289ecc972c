import { afterAll, describe, expect, it } from '@jest/globals'
import { openDynamo } from '../../../../../functions/bridge/drivers/dynamo/client.ts'

const client = openDynamo({ region: 'eu-central-1' })
afterAll(() => client.destroy())

describe('a client of DynamoDB', () => {
  it('prepares no log entries that nobody reads', () => {
    // The SDK may rename what is taken out: then it would be there again, without a word.
    expect(client.middlewareStack.identify().filter((name) => /logger/i.test(name))).toEqual([])
  })

  it('is in the region that it was opened for', async () => {
    expect(await client.config.region()).toBe('eu-central-1')
  })
})
