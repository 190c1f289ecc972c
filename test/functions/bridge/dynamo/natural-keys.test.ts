import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { keyed } from '../../fixtures/keyed.ts'
import { openTestTables } from './tables.ts'

const AT = '2026-11-22T03:00:00.123Z'

describe.each(keyed)('items of an entity whose key is %s', (_, { entity, keys, rows, changed, unknown }) => {
  const [key] = keys
  const [row] = rows
  const keyAttribute = entity.item.keyAttribute
  const change = { entity: entity.name, key, op: 'upsert', source: 'api', at: AT, row } as const
  const create: Change = { ...change, version: 1n }
  let tables: Awaited<ReturnType<typeof openTestTables>>

  beforeAll(async () => {
    tables = await openTestTables(entity.item.table, keyAttribute)
  })
  afterAll(() => tables.close())

  it('are created, read, replaced, listed and deleted by their keys', async () => {
    const { store } = tables
    expect(await store.write(entity, create)).toMatchObject({ key, row })
    expect(await store.get(entity, key)).toEqual({ key, row, version: 1n, updatedAt: AT })
    if (entity.identity.kind === 'natural')
      await expect(store.write(entity, { ...create, at: '2026-11-22T03:00:09.000Z' })).rejects.toMatchObject({
        code: 'key.exists',
      })
    expect(await store.write(entity, { ...change, row: changed, version: 'next' })).toMatchObject({
      row: changed,
      version: 2n,
    })
    expect((await store.list(entity, { limit: 5, position: undefined })).items).toHaveLength(1)
    await store.write(entity, { ...change, op: 'delete', version: 'next' })
    expect(await store.get(entity, key)).toBeUndefined()
  })

  const read = (image: Record<string, unknown>, of: string) =>
    entityReaders([entity], { [entity.item.table]: 'one' })
      .get('one')
      ?.read({
        eventName: 'INSERT',
        dynamodb: {
          ApproximateCreationDateTime: 1_763_780_400,
          SequenceNumber: '1',
          Keys: { [keyAttribute]: { S: of } },
          NewImage: image,
        },
      })

  it('come out of the stream as they went in', () => {
    expect(read(toItem(entity, create, row), key)?.changes).toMatchObject([
      { change: { key, row, version: 1n } },
    ])
  })

  if (entity.keyParts.length > 0)
    it('are rejected by name under a text that is no key', () => {
      const strange = unknown.find((one) => !/^x3$|^ships,S3$/.test(one)) ?? ''
      const reading = read(toItem(entity, { ...create, key: strange }, row), strange)
      expect(reading?.changes).toEqual([])
      expect(reading?.faults).toMatchObject([{ error: { code: 'record.invalid' } }])
    })

  if (entity.identity.kind === 'natural') {
    it('are rejected by name when they are not what their key says', () => {
      const reading = read(toItem(entity, { ...create, key: keys[1] }, row), keys[1])
      expect(reading?.changes).toEqual([])
      expect(reading?.faults).toMatchObject([{ key: keys[1], error: { code: 'record.invalid' } }])
    })

    it('may leave out what their key says already', () => {
      const parts = new Set(entity.keyParts.map(({ name }) => name))
      const item = Object.fromEntries(
        Object.entries(toItem(entity, create, row)).filter(([name]) => !parts.has(name)),
      )
      expect(read(item, key)?.changes).toMatchObject([{ change: { key, row } }])
    })
  }
})
