import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { claim } from '../../../../functions/bridge/cutover/claim.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import type { Change, Intent } from '../../../../functions/bridge/model/change.ts'
import { derivedKey } from '../../../../functions/bridge/model/derived-key.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import { StaleClaimError } from '../../../../functions/bridge/ports/claim-errors.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { PLATES, plateOf } from '../../fixtures/plate.ts'
import { openTestTables } from '../dynamo/tables.ts'
import { openWorld, type World } from './world.ts'

const chef = defineEntity({ ...chefDefinition, tombstones: 'item' })
const plate: Entity = { ...plateOf('row'), put: 'create', tombstones: 'item' }

describe.each<Owner>(['aurora', 'dynamo'])('what is born at %s by who knows a move', (side) => {
  let world: World
  let others: Awaited<ReturnType<typeof openTestTables>>
  let stores: Readonly<Record<Owner, EntityStore>>
  let code: string

  beforeAll(async () => {
    world = await openWorld([chef, plate], { chef: 'Chefs', plate: 'Plates' })
    await world.sync.aurora.legacy.query(PLATES)
    others = await openTestTables('records', 'id')
    const { client, tables } = world.sync
    const parts = { client, tables, deadline: new Deadline(), log: silent }
    stores = {
      aurora: world.stores.aurora,
      dynamo: new DynamoStore({ ...parts, idempotencyTable: others.records }),
    }
  })
  afterAll(async () => {
    await others.close()
    await world.close()
  })
  beforeEach(() => {
    code = `p-${randomUUID().slice(0, 12)}`
  })
  const identified = (entity: Entity) => ({
    ...{ entity: entity.name, key: code, source: 'api', at: new Date().toISOString(), epoch: 7n },
  })
  const rows = { plate: () => ({ code, title: 'x' }), chef: () => ({ firstName: code, lastName: 'x' }) }
  const create = (entity: typeof plate | typeof chef): Change => ({
    ...identified(entity),
    ...{ op: 'upsert', version: 1n, row: entity === chef ? rows.chef() : rows.plate() },
  })
  const putNew = (): Intent => ({
    ...identified(plate),
    ...{ op: 'upsert', version: 'next', row: rows.plate(), finding: 'either' },
  })
  const recordOf = async (entity: Entity) => {
    const { owner, epoch, version } = await world.sides[side].read(entity, code)
    return [owner, epoch, version]
  }

  it.each([
    ['a create', chef, create],
    ['a create of a natural key', plate, create],
    ['a PUT', plate, putNew],
  ] as const)('by %s, is of that move, and no earlier one takes it', async (_, entity, wish) => {
    await stores[side].write(entity, wish(entity))
    expect(await recordOf(entity)).toEqual([side, 7n, 1n])
    await expect(claim(entity, code, otherOf(side), world.sides, { epoch: 6n })).rejects.toThrow(
      StaleClaimError,
    )
    expect(await claim(entity, code, otherOf(side), world.sides, { epoch: 8n })).toMatchObject({
      done: 'moved',
    })
  })

  it('by a create that may be repeated, is so too', async () => {
    const once = { id: randomUUID(), fingerprint: 'f', answer: () => '{}' }
    await stores[side].createOnce(chef, create(chef), once)
    expect(await recordOf(chef)).toEqual([side, 7n, 1n])
  })

  it('over a delete, is of the later move of the two', async () => {
    await world.create(plate, side, rows.plate(), code)
    await stores[side].write(plate, { ...identified(plate), op: 'delete', version: 'next' })
    await stores[side].write(plate, create(plate))
    expect(await recordOf(plate)).toEqual([side, 7n, 3n])
    await claim(plate, code, otherOf(side), world.sides, { epoch: 8n })
    await claim(plate, code, side, world.sides, { epoch: 9n })
    await stores[side].write(plate, { ...identified(plate), op: 'delete', version: 'next' })
    await stores[side].write(plate, create(plate))
    expect(await recordOf(plate)).toEqual([side, 9n, 5n])
  })

  it('in the place that a claim has kept for it, is made, also by a create that may be repeated', async () => {
    const id = randomUUID()
    code = derivedKey(id, 0)
    await claim(chef, code, otherOf(side), world.sides, { epoch: 5n })
    await claim(chef, code, side, world.sides, { epoch: 6n })
    const once = { id, fingerprint: 'f', answer: () => '{}' }
    expect(await stores[side].createOnce(chef, create(chef), once)).toMatchObject({ replayed: false })
    expect(await recordOf(chef)).toEqual([side, 7n, 1n])
    expect(await stores[side].createOnce(chef, create(chef), once)).toMatchObject({ replayed: true })
  })
})
