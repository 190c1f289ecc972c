import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import type { Change, Intent, Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { ApiCall } from '../../../../functions/bridge/normalise/api.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { settings } from '../parking/harness.ts'
import { openWorld, type World } from './world.ts'

/** As `chef`, whose deletes leave tombstones. */
const kept: Entity = { ...chef, tombstones: 'item' }

const named = (firstName: string): Row => ({ firstName, lastName: 'Test' })
const hangUp = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
const elsewhere = (owner: Owner) => ({ code: 'owner.other', owner })
const untold = { code: 'write.lost-answer', kind: 'transient' }

describe.each<Owner>(['aurora', 'dynamo'])(
  'a write at %s whose answer is lost, and whose key is moved then',
  (side) => {
    const other = otherOf(side)
    let world: World
    let key: string
    let ends: (() => void)[]

    beforeAll(async () => {
      world = await openWorld([chef], { chef: 'Chefs' })
    })
    afterAll(() => world.close())
    beforeEach(() => {
      key = `chef-${randomUUID()}`
      ends = []
    })
    afterEach(() => {
      for (const end of ends) end()
    })

    /** The store, of whose first such call the answer gets lost, behind what happens meanwhile; or the call itself. */
    const losing = (
      call: { readonly sql: string; readonly command: string },
      meanwhile: () => Promise<unknown>,
      isDone = true,
    ) => {
      let lost = 0
      const lose = async (isIt: boolean): Promise<void> => {
        if (!isIt || lost > 0) return
        lost += 1
        await meanwhile()
        throw hangUp()
      }
      const options = { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' } as const
      let store: EntityStore = world.stores.aurora
      if (side === 'aurora') {
        const { middlewareStack } = world.sync.aurora.config.client
        middlewareStack.add(
          (next) => async (args) => {
            const sql = 'sql' in args.input ? args.input.sql : ''
            const isIt = sql?.includes(call.sql) === true
            await lose(isIt && !isDone)
            const answer = await next(args)
            await lose(isIt)
            return answer
          },
          options,
        )
        ends.push(() => middlewareStack.remove('loseFirstAnswer'))
      } else {
        const client = new DynamoDBClient(settings)
        client.middlewareStack.add(
          (next, { commandName }) =>
            async (args) => {
              await lose(commandName === call.command && !isDone)
              const answer = await next(args)
              await lose(commandName === call.command)
              return answer
            },
          options,
        )
        ends.push(() => client.destroy())
        const { tables } = world.sync
        store = new DynamoStore({
          ...{ client, tables, idempotencyTable: 'none', deadline: new Deadline(), log: silent },
        })
      }
      return { store, lost: () => lost }
    }
    const upsert = { sql: 'UPDATE JSON_TABLE', command: 'UpdateItemCommand' }
    const insert = { sql: 'INSERT INTO `cheftable`', command: 'PutItemCommand' }

    const identified = () => ({ entity: 'chef', key, source: 'api', at: new Date().toISOString() })
    const wish = (firstName: string, ifMatch?: readonly bigint[]): Intent => ({
      ...identified(),
      ...{ op: 'upsert', version: 'next', row: named(firstName) },
      ...(ifMatch && { ifMatch }),
    })
    const removal = (ifMatch?: readonly bigint[]): Intent => ({
      ...identified(),
      ...{ op: 'delete', version: 'next' },
      ...(ifMatch && { ifMatch }),
    })
    const creation = (firstName: string): Change => ({
      ...identified(),
      ...{ op: 'upsert', version: 1n, row: named(firstName) },
    })
    const made = async (firstName = 'one') => {
      await world.create(chef, side, named(firstName), key)
      if (side === 'aurora') return
      await world.sync.deliver(world.recordOf(chef, key, undefined, await world.item(chef, key)))
    }
    const moveAway = () => world.claim(chef, key, other)
    const held = async (at: Owner) => {
      const { owner, version, ...record } = await world.sides[at].read(chef, key)
      return [owner, Number(version), 'row' in record ? record.row.firstName : record.state]
    }

    describe.each([
      ['any version', undefined],
      ['a version named', [1n]],
    ] as const)('of %s', (_, ifMatch) => {
      it('is known by its time and content in what was taken over: it was done, and is not done again', async () => {
        await made()
        const { store, lost } = losing(upsert, moveAway)

        expect(await store.write(chef, wish('two', ifMatch))).toMatchObject({
          version: 2n,
          row: named('two'),
        })
        expect([lost(), await held(other)]).toEqual([1, [other, 2, 'two']])
      })

      it('is not known where somebody has written it before the move: nobody is told that it was not done', async () => {
        await made()
        const { store } = losing(upsert, async () => {
          await world.replace(chef, side, key, named('three'))
          await moveAway()
        })

        await expect(store.write(chef, wish('two', ifMatch))).rejects.toMatchObject(untold)
        expect(await held(other)).toEqual([other, 3, 'three'])
      })
    })

    it('is refused as any other one where none was lost', async () => {
      await made()
      await moveAway()
      await expect(world.stores[side].write(chef, wish('two'))).rejects.toMatchObject(elsewhere(other))
      await expect(world.stores[side].write(chef, removal())).rejects.toMatchObject(elsewhere(other))
    })

    it('of a call that got lost is refused as any other one where an item from before says that it was not done', async () => {
      await made()
      const { store, lost } = losing(upsert, moveAway, false)
      const late = { ...wish('two'), at: new Date(Date.now() + 120_000).toISOString() }

      const refusal = side === 'dynamo' ? elsewhere(other) : untold
      await expect(store.write(chef, late)).rejects.toMatchObject(refusal)
      expect([lost(), await held(other)]).toEqual([1, [other, 1, 'one']])
    })

    it('of a create is known again', async () => {
      const { store, lost } = losing(insert, moveAway)

      expect(await store.write(chef, creation('one'))).toMatchObject({ version: 1n, row: named('one') })
      expect([lost(), await held(other)]).toEqual([1, [other, 1, 'one']])
    })

    it('of a create is not known where it was written since', async () => {
      const { store } = losing(insert, async () => {
        await world.replace(chef, side, key, named('two'))
        await moveAway()
      })
      const written = await store.write(chef, creation('one')).catch((error: unknown) => error)
      // What was made is answered where it is plain that only this one can have made it.
      if (side === 'aurora' && !(written instanceof Error))
        expect(written).toMatchObject({ row: named('two') })
      else expect(written).toMatchObject(untold)
      expect(await held(other)).toEqual([other, 2, 'two'])
    })

    it('of a delete is done: there is nothing any more, whoever is asked', async () => {
      await made()
      const record = await world.item(chef, key)
      const { store } = losing({ sql: 'DELETE t FROM', command: 'DeleteItemCommand' }, async () => {
        if (side === 'dynamo') await world.sync.deliver(world.recordOf(chef, key, record, undefined))
        await moveAway()
      })

      expect(await store.write(chef, removal())).toBeUndefined()
      expect(await held(other)).toEqual([other, 2, 'deleted'])
    })

    it('of a delete is not known where it was made anew before the move', async () => {
      await made()
      const { store } = losing(
        { sql: 'DELETE t FROM', command: side === 'dynamo' ? 'UpdateItemCommand' : '' },
        async () => {
          await world.stores[side].write(kept, { ...creation('anew'), version: 3n })
          await moveAway()
        },
      )

      await expect(store.write(kept, removal())).rejects.toMatchObject(untold)
      expect(await held(other)).toEqual([other, 3, 'anew'])
    })

    describe('and whose key stays, and is written by others then', () => {
      const remove = { sql: 'DELETE t FROM', command: 'UpdateItemCommand' }
      const others = (firstName: string) => world.replace(chef, side, key, named(firstName))
      const gone = () => world.stores[side].write(kept, removal())
      const anew = (version: bigint) => world.stores[side].write(kept, { ...creation('anew'), version })

      it('of a version named, is not said to be stale: it may have been what others wrote upon', async () => {
        await made()
        const { store, lost } = losing(upsert, () => others('three'))
        await expect(store.write(chef, wish('two', [1n]))).rejects.toMatchObject(untold)
        expect([lost(), await held(side)]).toEqual([1, [side, 3, 'three']])
      })

      it('of a version named, is stale where others have made the very next one: it was not done', async () => {
        await made()
        const { store, lost } = losing(upsert, () => others('three'), false)
        await expect(store.write(chef, wish('two', [1n]))).rejects.toMatchObject({ code: 'version.stale' })
        expect([lost(), await held(side)]).toEqual([1, [side, 2, 'three']])
      })

      it('of a delete of a version named, is stale where others have made the very next one', async () => {
        await made()
        const { store, lost } = losing(remove, () => others('three'), false)
        await expect(store.write(kept, removal([1n]))).rejects.toMatchObject({ code: 'version.stale' })
        expect([lost(), await held(side)]).toEqual([1, [side, 2, 'three']])
      })

      it('of any version, is done upon what others have made meanwhile only where it is plain that it was not done before', async () => {
        await made()
        const { store, lost } = losing(upsert, () => others('three'), false)
        const written = await store.write(chef, wish('two')).catch((error: unknown) => error)
        // An item doesn't tell which version it had before.
        if (side === 'aurora') expect(written).toMatchObject({ version: 3n })
        else expect(written).toMatchObject(untold)
        expect([lost(), await held(side)]).toEqual([
          1,
          side === 'aurora' ? [side, 3, 'two'] : [side, 2, 'three'],
        ])
      })

      it('of a version named, is not said to have found nothing where others have deleted it', async () => {
        await made()
        const { store } = losing(upsert, gone)
        await expect(store.write(kept, wish('two', [1n]))).rejects.toMatchObject(untold)
        expect(await held(side)).toEqual([side, 3, 'deleted'])
      })

      it('of a version named, is not said to have found nothing where others have left nothing of it', async () => {
        await made()
        const { store } = losing(upsert, () => world.stores[side].write(chef, removal()))
        await expect(store.write(chef, wish('two', [1n]))).rejects.toMatchObject(untold)
        expect((await held(side))[2]).toBe(side === 'aurora' ? 'deleted' : 'absent')
      })

      it('of any version, is not done a second time over what others have made of it', async () => {
        await made()
        const { store } = losing(upsert, gone)
        await expect(store.write(kept, wish('two'))).rejects.toMatchObject(untold)
        expect(await held(side)).toEqual([side, 3, 'deleted'])
      })

      it('of a create, is not said to have found something: that may have been its own', async () => {
        const { store } = losing(insert, () => others('two'))
        const written = await store.write(chef, creation('one')).catch((error: unknown) => error)
        if (side === 'aurora') expect(written).toMatchObject({ row: named('two') })
        else expect(written).toMatchObject(untold)
        expect(await held(side)).toEqual([side, 2, 'two'])
      })

      it('of a create, does not make anew what others have deleted', async () => {
        const { store } = losing(insert, gone)
        const written = await store.write(kept, creation('one')).catch((error: unknown) => error)
        if (side === 'aurora') expect(written).toBeUndefined()
        else expect(written).toMatchObject(untold)
        expect(await held(side)).toEqual([side, 2, 'deleted'])
      })

      it('of a delete that leaves nothing, is not said to be stale where others have made it anew', async () => {
        await made()
        // Without a tombstone whoever makes it may choose any version.
        const version = side === 'aurora' ? 3n : 2n
        const { store } = losing({ ...remove, command: 'DeleteItemCommand' }, async () => {
          await world.stores[side].write(chef, { ...creation('anew'), version })
        })
        await expect(store.write(chef, removal([1n]))).rejects.toMatchObject(untold)
        expect(await held(side)).toEqual([side, Number(version), 'anew'])
      })

      it('of a delete, does not delete what others have made anew', async () => {
        await made()
        const { store } = losing(remove, () => anew(3n))
        await expect(store.write(kept, removal([1n]))).rejects.toMatchObject(untold)
        expect(await held(side)).toEqual([side, 3, 'anew'])
      })
    })

    it('is answered with 503, and the word not to do it again, where it is not known', async () => {
      await made()
      const { store } = losing(upsert, async () => {
        await world.replace(chef, side, key, named('three'))
        await moveAway()
      })
      const path = `/${side}/chefs/${key}`
      const request = { method: 'PUT', path, segments: [], query: {}, headers: {}, body: undefined }
      const call: ApiCall = { from: 'api', action: 'replace', entity: chef, request, changes: [wish('two')] }
      const answer = await serve(call, store, { requestId: 'r', log: silent })

      expect(answer.statusCode).toBe(503)
      expect(JSON.parse(answer.body ?? '')).toMatchObject({
        detail: expect.stringContaining('not done again'),
      })
    })
  },
)
