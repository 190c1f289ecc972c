import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { ForeignItemError } from '../../../../functions/bridge/dynamo/items.ts'
import { InvalidPositionError } from '../../../../functions/bridge/ports/store.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { create } from '../../fixtures/chef-writes.ts'
import { openTestTables } from './tables.ts'

describe('listing a table of one entity', () => {
  const keys = Array.from({ length: 5 }, () => randomUUID())
  let tables: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    tables = await openTestTables('chef', 'chefId')
    for (const key of keys) await tables.store.write(chef, create(key))
  })
  afterAll(() => tables.close())

  it('goes page by page, each item once', async () => {
    const found: string[] = []
    let position: string | undefined
    do {
      const page = await tables.store.list(chef, { limit: 2, position })
      expect(page.items.length).toBeLessThanOrEqual(2)
      found.push(...page.items.map(({ key }) => key))
      position = page.next
    } while (position !== undefined && found.length <= keys.length)

    expect(found.toSorted()).toEqual(keys.toSorted())
  })

  it('goes on where the page before ended, whatever was asked there', async () => {
    const first = await tables.store.list(chef, { limit: 3, position: undefined })
    const rest = await tables.store.list(chef, { limit: 100, position: first.next })

    expect([first.items.length, rest.items.length, rest.next]).toEqual([3, 2, undefined])
  })

  it('shows all on one page that is large enough', async () => {
    const { items, next } = await tables.store.list(chef, { limit: 100, position: undefined })

    expect(items).toHaveLength(5)
    expect(next).toBeUndefined()
  })

  it('names an item that is no chef beside the others, and fills its page with others', async () => {
    const { client, TableName, put } = tables
    const foreign = randomUUID()
    await put({ chefId: { S: foreign } })
    const warnings: unknown[] = []
    const log = { ...silent, warn: (message: string, fields?: object) => warnings.push([message, fields]) }
    const watched = new DynamoStore({
      client,
      tables: new Tables({ chef: TableName }),
      idempotencyTable: 'unused',
      deadline: new Deadline(),
      log,
    })

    expect((await watched.list(chef, { limit: 5, position: undefined })).items).toHaveLength(5)
    const { items, unreadable } = await watched.list(chef, { limit: 100, position: undefined })
    expect(items).toHaveLength(5)
    expect(unreadable).toEqual([{ key: foreign, error: expect.any(ForeignItemError) }])
    expect(warnings).toContainEqual([
      'foreign item',
      expect.objectContaining({ entity: 'chef', key: foreign }),
    ])
  })

  it.each([
    ['empty', ''],
    ['longer than a key', 'x'.repeat(2049)],
  ])('refuses a position that is %s', async (_, position) => {
    await expect(tables.store.list(chef, { limit: 1, position })).rejects.toThrow(InvalidPositionError)
  })
})
