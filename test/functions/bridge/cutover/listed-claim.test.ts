import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ClaimOptions, claim } from '../../../../functions/bridge/cutover/claim.ts'
import { claimListed } from '../../../../functions/bridge/cutover/listed-claim.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openWorld, type World } from './world.ts'

const named = (firstName: string): Row => ({ firstName, lastName: 'Test' })

describe('a claim that meets a conflict', () => {
  let world: World
  let parking: DynamoParking
  let key: string

  beforeAll(async () => {
    world = await openWorld([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
    const { client, parking: table } = world.sync
    parking = new DynamoParking({ client, table: table.table, deadline: new Deadline() })
  })
  afterAll(() => world.close())
  beforeEach(() => {
    key = `chef-${randomUUID()}`
  })

  const move = (to: Owner, options: Pick<ClaimOptions, 'epoch' | 'insists'> = {}, entity = chef) =>
    claimListed(entity, key, to, world.sides, { parking, ...options })
  const listed = async (name = 'chef.conflicts') => (await parking.parkedAmong(name, [key])).get(key)
  const entry = async (name = 'chef.conflicts') => {
    const found = await parking.entryOf(name, key)
    return found && { ...found.head, payload: JSON.parse(found.payload) }
  }
  const drop = async () => {
    const head = await listed()
    await parking.resolve(
      { entity: 'chef.conflicts', key },
      { upTo: { version: head?.version }, how: 'superseded', at: new Date() },
    )
  }
  const streamed = async (work: () => Promise<unknown>) => {
    const before = await world.item(chef, key)
    await work()
    await world.sync.deliver(world.recordOf(chef, key, before, await world.item(chef, key)))
  }
  /** A key of DynamoDB's whose row somebody has written by plain SQL. */
  const disputed = async (version = 5, name = 'other') => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await rewrite(version, name)
  }
  const rewrite = (version: number, name: string) =>
    world.sync.aurora.legacy.query(
      'UPDATE cheftable SET cheffirst = ?, backsync_version = ? WHERE backsync_key = ?',
      [name, version, key],
    )
  const refused = { code: 'claim.conflict' }

  it('is listed with both images, among what is parked', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)

    expect(await entry()).toMatchObject({
      ...{ entity: 'chef.conflicts', key, version: 5n, class: 'data', code: 'claim.conflict' },
      message: expect.stringContaining('could not be moved to Aurora'),
      payload: {
        to: 'aurora',
        aurora: { state: 'held', version: '5', owner: 'dynamo', row: { firstName: { S: 'other' } } },
        dynamo: { state: 'held', version: '1', owner: 'dynamo', row: { firstName: { S: 'one' } } },
      },
    })
    expect(await parking.parkedOf('chef.conflicts')).toHaveProperty('size')
    expect([...(await parking.parkedOf('chef.conflicts')).keys()]).toContain(key)
  })

  it('is listed, by whatever can not be read, with what can; nothing moves, until it can', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    const { legacy } = world.sync.aurora
    const spoil = (first: string | null) =>
      legacy.query('UPDATE cheftable SET cheffirst = ? WHERE backsync_key = ?', [first, key])
    await legacy.query('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(300) NULL')
    await spoil('x'.repeat(300))
    for (let n = 0; n < 2; n++) await expect(move('aurora')).rejects.toMatchObject({ code: 'row.unreadable' })

    expect(await entry()).toMatchObject({
      ...{ entity: 'chef.conflicts', key, class: 'data', code: 'row.unreadable', attempts: 1, version: 1n },
      message: expect.stringContaining("could not be moved to Aurora, since what is there can't be read"),
      payload: {
        to: 'aurora',
        aurora: { state: 'unreadable', code: 'row.unreadable', why: expect.stringContaining('firstName') },
        dynamo: { state: 'held', version: '1', row: { firstName: { S: 'one' } } },
      },
    })
    expect(await world.sync.aurora.store.head(chef, key)).toMatchObject({ owner: 'dynamo', epoch: 0n })
    await spoil('one')
    expect(await move('aurora')).toMatchObject({ done: 'moved' })
    expect(await listed()).toBeUndefined()
  })

  it('is listed, by an item that can not be read', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    const item = await world.item(chef, key)
    await world.sync.put(chef, { ...item, firstName: { N: '7' }, chefId: { S: key } })
    await expect(move('aurora')).rejects.toMatchObject({ code: 'item.foreign' })

    expect(await entry()).toMatchObject({
      code: 'item.foreign',
      payload: { dynamo: { state: 'unreadable', code: 'item.foreign' }, aurora: { state: 'held' } },
    })
  })

  it('is listed once, however often it is claimed', async () => {
    await disputed()
    for (let n = 0; n < 3; n++) await expect(move('aurora')).rejects.toMatchObject(refused)
    expect(await listed()).toMatchObject({ attempts: 1, version: 5n })
  })

  it('is listed anew once there is another one, also at a smaller version', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)
    await rewrite(3, 'yet another')
    await expect(move('aurora')).rejects.toMatchObject(refused)

    expect(await entry()).toMatchObject({
      version: 3n,
      payload: { aurora: { row: { firstName: { S: 'yet another' } } } },
    })
  })

  it('is listed again by a claim after it was dropped, whatever version that was at', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)
    await drop()
    expect(await listed()).toBeUndefined()

    await rewrite(2, 'less')
    await expect(move('aurora')).rejects.toMatchObject(refused)
    expect(await listed()).toMatchObject({ version: 2n })
  })

  it('ends with the conflict: when the key has moved with what is right', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)
    for (let version = 2; version <= 6; version++)
      await world.replace(chef, 'dynamo', key, named(`right ${version}`))
    expect(await move('aurora')).toMatchObject({ done: 'moved' })

    expect(await listed()).toBeUndefined()
    expect(await world.sides.aurora.read(chef, key)).toMatchObject({ version: 6n, row: named('right 6') })
  })

  it('ends when somebody insists on what a side holds', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)
    expect(await move('aurora', { insists: world.sides.aurora })).toMatchObject({ done: 'moved' })

    expect(await listed()).toBeUndefined()
  })

  it('stays listed while it is only said anew whose the key is', async () => {
    await disputed()
    await expect(move('aurora')).rejects.toMatchObject(refused)
    expect(await move('dynamo', { epoch: 3n })).toMatchObject({ done: 'moved' })

    expect(await listed()).toMatchObject({ code: 'claim.conflict' })
  })

  it('is listed where each side has made the key, and a move is not to decide between them', async () => {
    await world.create(chef, 'aurora', named('legacy'), key)
    await world.create(chef, 'dynamo', named('modern'), key)
    await expect(move('dynamo', { epoch: 2n })).rejects.toMatchObject(refused)

    expect((await entry())?.payload).toMatchObject({
      aurora: { owner: 'aurora', row: { firstName: { S: 'legacy' } } },
      dynamo: { owner: 'dynamo', row: { firstName: { S: 'modern' } } },
    })
  })

  it('is listed where DynamoDB is to take it, and holds more', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await streamed(() => world.claim(chef, key, 'aurora'))
    const item = { ...((await world.item(chef, key)) ?? {}), firstName: { S: 'other' } }
    await world.sync.put(chef, { ...item, version: { N: '8' } })
    await expect(move('dynamo')).rejects.toMatchObject(refused)

    expect((await entry())?.payload).toMatchObject({ to: 'dynamo', dynamo: { version: '8' } })
  })

  it('is listed where the target can not take what the other side holds, which is given back', async () => {
    const nobody = { ...recipe.image.parse({ chefId: `nobody-${key}`, title: 'Soup' }) }
    await world.create(recipe, 'dynamo', nobody, key)
    await expect(move('aurora', {}, recipe)).rejects.toMatchObject({ code: 'parent.missing' })

    expect(await entry('recipe.conflicts')).toMatchObject({
      ...{ code: 'parent.missing', version: 1n },
      payload: { aurora: { state: 'absent' }, dynamo: { state: 'held', row: { title: { S: 'Soup' } } } },
    })
    await world.replace(recipe, 'dynamo', key, nobody)

    await world.create(chef, 'aurora', named('parent'), `nobody-${key}`)
    expect(await move('aurora', {}, recipe)).toMatchObject({ done: 'moved' })
    expect(await listed('recipe.conflicts')).toBeUndefined()
  })

  it('leaves a foreign write listed, with its own image, and does not end it', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await world.claim(chef, key, 'aurora')
    const foreign = {
      ...{ chefId: { S: key }, firstName: { S: 'foreign' }, lastName: { S: 'X' } },
      ...{ version: { N: '7' }, updatedAt: { S: '2026-11-22T03:00:00.000Z' } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '1' } },
    }
    await streamed(() => world.sync.put(chef, foreign))
    expect(await listed()).toMatchObject({ code: 'owner.foreign', version: 7n })

    await expect(move('dynamo')).rejects.toMatchObject(refused)
    expect(await listed()).toMatchObject({ code: 'owner.foreign', version: 7n, attempts: 1 })
    await move('dynamo', { insists: world.sides.dynamo })
    expect(await listed()).toMatchObject({ code: 'owner.foreign' })
  })

  it('gives its place to a foreign write, whatever that has counted', async () => {
    await world.create(chef, 'aurora', named('one'), key)
    await streamed(() => world.claim(chef, key, 'dynamo'))
    await streamed(() => world.claim(chef, key, 'aurora'))
    await world.sync.put(chef, {
      ...((await world.item(chef, key)) ?? {}),
      ...{ firstName: { S: 'other' }, version: { N: '8' } },
    })
    await expect(move('dynamo')).rejects.toMatchObject(refused)
    expect(await listed()).toMatchObject({ code: 'claim.conflict', version: 8n })

    await streamed(() =>
      world.sync.put(chef, {
        ...{ chefId: { S: key }, firstName: { S: 'foreign' }, lastName: { S: 'X' } },
        ...{ version: { N: '2' }, updatedAt: { S: '2026-11-22T03:00:00.000Z' } },
      }),
    )
    expect(await entry()).toMatchObject({ code: 'owner.foreign', version: 2n })
  })

  it('is not met by a claim that is only late, or whose key is somewhere on its way', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await world.claim(chef, key, 'aurora')
    await world.claim(chef, key, 'dynamo')
    await expect(move('aurora', { epoch: 1n })).rejects.toMatchObject({ code: 'claim.stale' })
    await world.sync.remove(chef, key)
    await expect(move('aurora')).rejects.toMatchObject({ code: 'claim.undecided' })

    expect(await listed()).toBeUndefined()
  })

  it('fails with what keeps it from being listed', async () => {
    await disputed()
    const unmovable = () => Promise.reject(new TypeError('no parking'))
    await expect(claim(chef, key, 'aurora', world.sides, { unmovable })).rejects.toThrow('no parking')
  })
})
