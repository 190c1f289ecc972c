import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { EntitySource } from '../../../../functions/bridge/dynamo/entity-source.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import type { OnceRequest } from '../../../../functions/bridge/ports/once.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { layouts, schemaOf } from '../../fixtures/layouts.ts'
import { openTestTables } from './tables.ts'

/** Now: what a request leaves behind expires. */
const AT = new Date().toISOString()
const unknown = expect.objectContaining({ name: 'NoSuchKeyError' })

describe.each(layouts)(
  'items whose primary key is %s',
  (_, { entity, keys, rows, items, none, others, strange }) => {
    const create = (at: 0 | 1): Change => write(keys[at], rows[at])
    const write = (key: string, row: Row): Change => ({
      ...{ entity: entity.name, key, op: 'upsert', source: 'api', at: AT, version: 1n },
      row,
    })
    const { type } = entity.item
    const whole = (key: Item): Item => ({
      ...key,
      ...(type && { [type.attribute]: { S: type.value } }),
      version: { N: '1' },
    })
    let tables: Awaited<ReturnType<typeof openTestTables>>

    beforeAll(async () => {
      tables = await openTestTables(entity.item.table, schemaOf(entity))
    })
    afterAll(() => tables.close())

    it('are created, once, read, replaced and deleted', async () => {
      const { store } = tables
      const [key] = keys
      const stored = { key, row: rows[0], version: 1n, updatedAt: AT }
      expect(await store.write(entity, create(0))).toEqual(stored)
      expect(await tables.item(items[0])).toMatchObject({ ...items[0], version: { N: '1' } })
      await expect(store.write(entity, { ...create(0), at: new Date(0).toISOString() })).rejects.toThrow()
      expect(await store.get(entity, key)).toEqual(stored)
      const changed = { ...rows[0], title: 'changed' }
      const replace = { ...create(0), version: 'next', row: changed } as const
      expect(await store.write(entity, { ...replace, ifMatch: [1n] })).toEqual({
        ...stored,
        row: changed,
        version: 2n,
      })
      await expect(store.write(entity, { ...replace, ifMatch: [1n] })).rejects.toMatchObject({
        code: 'version.stale',
      })
      const remove = { ...create(0), op: 'delete', version: 'next' } as const
      await expect(store.write(entity, { ...remove, ifMatch: [1n] })).rejects.toMatchObject({
        code: 'version.stale',
      })
      await store.write(entity, { ...remove, ifMatch: [2n] })
      expect(await store.get(entity, key)).toBeUndefined()
      await expect(store.write(entity, remove)).rejects.toEqual(unknown)
      expect(await tables.item(items[0])).toBeUndefined()
    })

    it('are created by requests that may be repeated', async () => {
      const asked = (answer: string): OnceRequest => ({ id: 'once', fingerprint: 'f', answer: () => answer })
      const createOnce = (answer: string) => tables.store.createOnce(entity, create(1), asked(answer))
      expect(await createOnce('first')).toEqual({ answer: 'first', replayed: false })
      expect(await createOnce('second')).toEqual({ answer: 'first', replayed: true })
      expect(await tables.item(items[1])).toMatchObject(items[1])
      await tables.store.write(entity, { ...create(1), op: 'delete', version: 'next' })
    })

    it('are not there under keys that no item can have', async () => {
      for (const key of none) {
        const change = { ...write(key, rows[0]), version: 'next' } as const
        expect([key, await tables.store.get(entity, key)]).toEqual([key, undefined])
        await expect(tables.store.write(entity, change)).rejects.toEqual(unknown)
        await expect(tables.store.write(entity, { ...change, op: 'delete' })).rejects.toEqual(unknown)
        await expect(tables.store.write(entity, write(key, rows[0]))).rejects.toMatchObject({ kind: 'data' })
      }
    })

    it('are listed page by page among those of others, each once, and those that can not be read by name', async () => {
      for (const at of [0, 1] as const) await tables.store.write(entity, create(at))
      for (const key of [...others, ...strange]) if (await isFree(key)) await tables.put(whole(key))
      const found: string[] = []
      let unreadable = 0
      let position: string | undefined
      let pages = 0
      do {
        const page = await tables.store.list(entity, { limit: 1, position })
        found.push(...page.items.map(({ key }) => key))
        unreadable += page.unreadable?.length ?? 0
        position = page.next
        pages += 1
      } while (position !== undefined && pages < 20)
      // The form of a key that stands alone is nobody's to say.
      const alone = entity.keyParts.length === 0 ? strange.length : 0
      expect(found.toSorted()).toEqual(expect.arrayContaining([...keys].toSorted()))
      expect([found.length, new Set(found).size]).toEqual([keys.length + alone, keys.length + alone])
      expect(unreadable).toBe(strange.length - alone)
    })

    const isFree = async (key: Item) => (await tables.item(key)) === undefined

    const record = (eventName: string, primary: Item, image: Item | undefined) => ({
      eventName,
      dynamodb: {
        ApproximateCreationDateTime: 1_763_780_400,
        SequenceNumber: '1',
        Keys: primary,
        ...(image && { [eventName === 'REMOVE' ? 'OldImage' : 'NewImage']: image }),
      },
    })
    const readRecord = (...of: Parameters<typeof record>) =>
      entityReaders([entity], { [entity.item.table]: 'one' })
        .get('one')
        ?.read(record(...of))

    it('come out of the stream as they went in', () => {
      for (const at of [0, 1] as const) {
        const item = toItem(entity, create(at), rows[at])
        expect(readRecord('INSERT', items[at], item)).toMatchObject({
          changes: [{ change: { key: keys[at], row: rows[at], version: 1n }, unknownAttributes: 0 }],
          faults: [],
        })
        expect(readRecord('REMOVE', items[at], item)).toMatchObject({
          changes: [{ change: { key: keys[at], op: 'delete', version: 2n } }],
          faults: [],
        })
        expect(readRecord('INSERT', items[at], undefined)?.faults).toMatchObject([{ key: keys[at] }])
      }
    })

    it("are nothing to the stream where they are another one's, and rejected where they are no key's", () => {
      for (const key of others)
        expect(readRecord('INSERT', key, whole(key))).toEqual({ changes: [], faults: [] })
      for (const key of strange) {
        expect(readRecord('INSERT', key, whole(key))?.changes).toEqual([])
        expect(readRecord('INSERT', key, whole(key))?.faults).toMatchObject([
          { error: { code: 'record.invalid' } },
        ])
      }
    })

    it('are what is asked again of a source', async () => {
      const source = new EntitySource({
        client: tables.client,
        entities: [{ ...entity, overruled: 'lift' }],
        tables: new Tables({ [entity.item.table]: tables.TableName }),
        deadline: new Deadline(),
        holds: async () => false,
      })
      const key = keys[1]
      if ((await tables.store.get(entity, key)) === undefined) await tables.store.write(entity, create(1))
      const subject = { entity: entity.name, key, version: 1n, op: 'upsert' } as const
      expect(await source.current(subject, new Date())).toMatchObject([{ key, row: rows[1], version: 1n }])
      expect(await source.lift({ ...create(1), source: 'stream' }, 6n)).toBe('lifted')
      expect(await tables.store.get(entity, key)).toMatchObject({ version: 7n, row: rows[1] })
      for (const strangeKey of none)
        expect(await source.current({ ...subject, key: strangeKey }, new Date())).toMatchObject([
          { op: 'delete' },
        ])
    })
  },
)
