import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { claimListed } from '../../../../functions/bridge/cutover/listed-claim.ts'
import { relay } from '../../../../functions/bridge/mirror/relay.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { type MirrorWorld, openMirror } from './world.ts'

const chef = defineEntity({ ...chefDefinition, mirror: { plainSql: 'record' } })
const ENDED = { has: async () => true, hasTableOf: async () => true }

describe('the relay, of an entity whose route is complete', () => {
  let world: MirrorWorld
  let before: Record<string, number>
  beforeAll(async () => {
    world = await openMirror([chef], { chef: 'Chefs' })
  }, 60_000)
  afterAll(() => world.close())
  beforeEach(async () => {
    await world.carry()
    before = world.sync.counts()
  })

  const run = async (statement: string, values: unknown[] = []): Promise<number> => {
    const [{ insertId }] = await world.legacy.query<ResultSetHeader>(statement, values)
    return insertId
  }
  const newChef = async (name: string): Promise<string> =>
    String(await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'T')", [name]))
  const count = async (table: string): Promise<number> => {
    const [[row]] = await world.legacy.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`)
    return Number(row?.n)
  }
  const counted = (name: string) => (world.sync.counts()[name] ?? 0) - (before[name] ?? 0)
  const carry = () => relay({ ...world.relayParts, ended: ENDED })
  const claim = (key: string, epoch: bigint) =>
    claimListed(chef, key, 'dynamo', world.sides, { parking: world.sync.parts.parking, epoch })

  it('ends what the log has of keys that were taken over, and of what legacy programs make since, and counts it', async () => {
    const [moved, made] = [await newChef('Moved'), await newChef('Made since')]
    await claim(moved, 3n)
    expect(await carry()).toMatchObject({ rows: 2, parked: 0, again: 0 })
    expect(counted('chef AfterComplete')).toBe(2)
    expect(await world.item(chef, made)).toBeUndefined()
    expect(await count('backsync_changes')).toBe(0)
    expect(await world.sync.parked('chef')).toEqual([])
  })

  it('loses nothing by that: a key that was not carried over has its content in Aurora, and a claim brings it', async () => {
    const key = await newChef('On its way')
    await carry()
    expect(await world.item(chef, key)).toBeUndefined()
    await claim(key, 4n)
    expect(await world.item(chef, key)).toMatchObject({
      backsync_owner: { S: 'dynamo' },
      firstName: { S: 'On its way' },
    })
  })

  it('still carries over what somebody made through the facade who knew an earlier move', async () => {
    const key = '0192f0c1-0000-7000-8000-000000000001'
    await world.stores.aurora.write(chef, {
      ...{ entity: 'chef', key, source: 'api', at: new Date().toISOString(), op: 'upsert', version: 1n },
      ...{ row: { firstName: 'Late', lastName: 'T' }, epoch: 2n },
    })
    expect(await carry()).toMatchObject({ rows: 1, parked: 0, again: 0 })
    expect(counted('chef AfterComplete')).toBe(0)
    expect(await world.item(chef, key)).toMatchObject({
      backsync_owner: { S: 'aurora' },
      firstName: { S: 'Late' },
    })
  })

  it('ends what plain SQL has written of keys of DynamoDB’s: nothing is parked, and nothing is put in its place', async () => {
    const key = await newChef('Owned')
    await claim(key, 5n)
    await run("UPDATE cheftable SET cheffirst = 'Plain' WHERE id = ?", [key])
    expect(await count('backsync_conflicts')).toBe(1)
    await carry()
    expect(await count('backsync_conflicts')).toBe(0)
    expect(await world.sync.parked('chef.conflicts')).toEqual([])
    expect(counted('chef AfterComplete')).toBeGreaterThan(0)
  })

  it('goes on as before where it is not known to be complete', async () => {
    const key = await newChef('Carried')
    await relay({ ...world.relayParts, ended: { has: async () => false, hasTableOf: async () => false } })
    expect(await world.item(chef, key)).toMatchObject({ firstName: { S: 'Carried' } })
  })
})
