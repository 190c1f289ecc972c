import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bad, openTestParking, T1, T2, type TestParking } from './harness.ts'

/** Text that doesn't compress below three quarters of itself. */
const incompressible = (bytes: number): string =>
  JSON.stringify({ image: randomBytes(Math.floor((bytes * 3) / 4)).toString('base64') })

describe('a payload', () => {
  let test: TestParking
  beforeAll(async () => {
    test = await openTestParking()
  })
  afterAll(() => test.close())
  const partsOf = async (key: string): Promise<number> =>
    [...(await test.items()).keys()].filter((id) => id.startsWith(`payload#chef#${key} `)).length

  it.each([
    ['of nothing', '', 1],
    ['of two characters', '{}', 1],
    ['with every kind of character', JSON.stringify('\u0000é👩‍🍳"\\'), 1],
    ['of 900 KB', incompressible(900_000), 2],
    ['of 2.5 MB', incompressible(2_500_000), 6],
    ['of 20 MB that says little', JSON.stringify('x'.repeat(20_000_000)), 1],
  ])('%s comes back as it was', async (name, payload, parts) => {
    await test.parking.park([bad(name, 1n, { payload })], T1)

    expect((await test.parking.entryOf('chef', name))?.payload === payload).toBe(true)
    expect(await partsOf(name)).toBe(parts)
  })

  it('that was larger leaves no part behind', async () => {
    await test.parking.park([bad('shrinks', 1n, { payload: incompressible(1_500_000) })], T1)
    await test.parking.park([bad('shrinks', 2n, { payload: incompressible(900_000) })], T2)

    expect(await partsOf('shrinks')).toBe(2)
    expect((await test.parking.entryOf('chef', 'shrinks'))?.payload).toHaveLength(
      900_000 + '{"image":""}'.length,
    )
  })

  it('that no transaction can hold is left out and said so: that its change is listed does not depend on it', async () => {
    const huge = bad('huge', 1n, { payload: incompressible(6_000_000) })

    await test.parking.park([huge, bad('beside', 1n)], T1)
    expect([...(await test.parking.parkedAmong('chef', ['huge', 'beside'])).keys()].sort()).toEqual([
      'beside',
      'huge',
    ])
    const { payload = '' } = (await test.parking.entryOf('chef', 'huge')) ?? {}
    expect(JSON.parse(payload)).toEqual({ leftOut: expect.stringContaining('can be held') })
  })

  it('with a part missing is not shown as if it were whole', async () => {
    await test.parking.park([bad('torn', 1n, { payload: incompressible(900_000) })], T1)
    const torn = [...(await test.items()).values()].find(({ pk }) => pk?.S === 'payload#chef#torn')
    const { DeleteItemCommand } = await import('@aws-sdk/client-dynamodb')
    const { pk = { S: '' }, sk = { S: '' } } = torn ?? {}
    await test.client.send(new DeleteItemCommand({ TableName: test.table, Key: { pk, sk } }))

    await expect(test.parking.entryOf('chef', 'torn')).rejects.toMatchObject({ code: 'parking.foreign-item' })
  })
})
