import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openWorld, type World } from './world.ts'

const named = (firstName: string): Row => ({ firstName, lastName: 'Test' })

describe('a key that changes hands', () => {
  let world: World
  let key: string

  beforeAll(async () => {
    world = await openWorld([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  })
  afterAll(() => world.close())
  beforeEach(() => {
    key = `chef-${randomUUID()}`
  })

  /** Does something to the key's item, and has the stream bring it. @returns its record */
  const streamed = async (work: () => Promise<unknown>, deliver = true) => {
    const before = await world.item(chef, key)
    await work()
    const after = await world.item(chef, key)
    const record = world.recordOf(chef, key, before, after)
    if (deliver && !isDeepStrictEqual(before, after)) await world.sync.deliver(record)
    return record
  }
  const both = async () => {
    const [aurora, dynamo] = await Promise.all([
      world.sides.aurora.read(chef, key),
      world.sides.dynamo.read(chef, key),
    ])
    const told = ({ state, owner, epoch, version, ...of }: typeof aurora) =>
      [state, owner, Number(epoch), Number(version), 'row' in of ? of.row.firstName : undefined].join(' ')
    return [told(aurora), told(dynamo)]
  }
  const parked = async () => [
    ...(await world.sync.parts.parking.parkedAmong('chef', [key])).values(),
    ...(await world.sync.parts.parking.parkedAmong('chef.conflicts', [key])).values(),
  ]
  const refused = (owner: Owner) => ({ code: 'owner.other', owner })

  it('is born where it is first written, and says so in both stores', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('Modern'), key))

    expect(await both()).toEqual(['held dynamo 0 1 Modern', 'held dynamo 0 1 Modern'])
  })

  it('is refused on the side that does not own it, whatever is asked, and nothing is changed', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('Modern'), key))
    await expect(world.replace(chef, 'aurora', key, named('Legacy'))).rejects.toMatchObject(refused('dynamo'))
    await expect(world.remove(chef, 'aurora', key)).rejects.toMatchObject(refused('dynamo'))
    expect(await both()).toEqual(['held dynamo 0 1 Modern', 'held dynamo 0 1 Modern'])

    await world.claim(chef, key, 'aurora')
    await expect(world.replace(chef, 'dynamo', key, named('Modern'))).rejects.toMatchObject(refused('aurora'))
    await expect(world.remove(chef, 'dynamo', key)).rejects.toMatchObject(refused('aurora'))
    expect(await both()).toEqual(['held aurora 1 1 Modern', 'held aurora 1 1 Modern'])
  })

  it('goes there and back with its last content, and is written on where it is', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    // Not delivered: the claim itself has it.
    await streamed(() => world.replace(chef, 'dynamo', key, named('two')), false)
    expect(await world.claim(chef, key, 'aurora')).toMatchObject({ done: 'moved' })
    expect(await both()).toEqual(['held aurora 1 2 two', 'held aurora 1 2 two'])

    await world.replace(chef, 'aurora', key, named('three'))
    expect(await world.claim(chef, key, 'dynamo')).toMatchObject({ done: 'moved' })
    expect(await both()).toEqual(['held dynamo 2 3 three', 'held dynamo 2 3 three'])

    await streamed(() => world.replace(chef, 'dynamo', key, named('four')))
    expect(await both()).toEqual(['held dynamo 2 4 four', 'held dynamo 2 4 four'])
    expect(await parked()).toEqual([])
  })

  it('is where it was, and unchanged, when it is claimed again', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await world.claim(chef, key, 'aurora')

    expect(await world.claim(chef, key, 'aurora')).toMatchObject({ done: 'already' })
    expect(await both()).toEqual(['held aurora 1 1 one', 'held aurora 1 1 one'])
  })

  it('takes a legacy row that no item was ever made of', async () => {
    const [{ insertId }] = await world.sync.aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')",
    )
    key = String(insertId)
    await streamed(() => world.claim(chef, key, 'dynamo'))

    expect(await both()).toEqual(['held dynamo 1 1 Auguste', 'held dynamo 1 1 Auguste'])
    await streamed(() => world.replace(chef, 'dynamo', key, named('next')))
    expect(await both()).toEqual(['held dynamo 1 2 next', 'held dynamo 1 2 next'])
    expect(await parked()).toEqual([])
  })

  it.each<[Owner, Owner]>([
    ['aurora', 'dynamo'],
    ['dynamo', 'aurora'],
  ])('that is deleted on %s stays deleted, and is made anew on %s above that', async (from, to) => {
    await streamed(() => world.create(chef, from, named('one'), key))
    await streamed(() => world.remove(chef, from, key))
    await streamed(() => world.claim(chef, key, to))
    expect(await both()).toEqual(
      [`deleted ${to} 1 2 `, `deleted ${to} 1 2 `].map((text) => expect.stringContaining(text.trim())),
    )
    expect([await world.stores.aurora.get(chef, key), await world.stores.dynamo.get(chef, key)]).toEqual([
      undefined,
      undefined,
    ])

    if (to === 'dynamo') {
      await streamed(() => world.create(chef, 'dynamo', named('anew'), key))
      expect(await both()).toEqual(['held dynamo 1 3 anew', 'held dynamo 1 3 anew'])
    } else {
      await expect(world.create(chef, 'dynamo', named('anew'), key)).rejects.toMatchObject(refused('aurora'))
    }
    expect(await parked()).toEqual([])
  })

  it('that is in neither store is made where it was claimed to, and refused on the other side', async () => {
    await world.claim(chef, key, 'aurora')
    await expect(world.create(chef, 'dynamo', named('one'), key)).rejects.toMatchObject(refused('aurora'))
    await world.create(chef, 'aurora', named('one'), key)
    expect((await both())[0]).toEqual('held aurora 1 1 one')
  })

  it('is not taken to the legacy side while its delete is on its way there', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    const record = await streamed(() => world.remove(chef, 'dynamo', key), false)
    await expect(world.claim(chef, key, 'aurora')).rejects.toMatchObject({ code: 'claim.undecided' })

    await world.sync.deliver(record)
    await world.claim(chef, key, 'aurora')
    expect((await both())[0]).toContain('deleted aurora 1 2')
  })

  describe('and whose claimer dies in between', () => {
    it.each<Owner>(['aurora', 'dynamo'])(
      'is nobody’s to write, until anybody completes the claim to %s',
      async (to) => {
        const from = to === 'aurora' ? 'dynamo' : 'aurora'
        await streamed(() => world.create(chef, from, named('one'), key))
        const last = await world.sides[from].read(chef, key)
        await streamed(() => world.sides[from].release(chef, key, { owner: to, epoch: 1n }, last.version))
        await expect(world.replace(chef, from, key, named('x'))).rejects.toMatchObject(refused(to))

        await streamed(() => world.claim(chef, key, to))
        const held = `held ${to} 1 1 one`
        expect(await both()).toEqual([held, held])
        expect(await parked()).toEqual([])
      },
    )

    it('is given back where the other side can not take it', async () => {
      const nobody = { ...recipe.image.parse({ chefId: `nobody-${key}`, title: 'Soup' }) }
      await world.create(recipe, 'dynamo', nobody, key)
      await expect(world.claim(recipe, key, 'aurora')).rejects.toMatchObject({ code: 'parent.missing' })

      expect(await world.sides.dynamo.read(recipe, key)).toMatchObject({ state: 'held', owner: 'dynamo' })
      await world.replace(recipe, 'dynamo', key, nobody)
    })
  })

  describe('and of which late records come', () => {
    it('of before the claim, which are no conflict', async () => {
      const late = [
        await streamed(() => world.create(chef, 'dynamo', named('one'), key)),
        await streamed(() => world.replace(chef, 'dynamo', key, named('two')), false),
        await streamed(() => world.claim(chef, key, 'aurora'), false),
      ]
      await world.replace(chef, 'aurora', key, named('three'))
      await world.sync.deliver(...late)

      expect((await both())[0]).toBe('held aurora 1 3 three')
      expect(await parked()).toEqual([])
    })

    it('of a claim that stopped half way, whose record alone brings the content', async () => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await streamed(() => world.replace(chef, 'dynamo', key, named('two')), false)
      await streamed(() => world.sides.dynamo.release(chef, key, { owner: 'aurora', epoch: 1n }, 0n))

      expect(await both()).toEqual(['held dynamo 0 2 two', 'held aurora 1 2 two'])
    })
  })

  describe('and is written by somebody who asks nobody', () => {
    const item = (version: number, firstName: string) => ({
      ...{ chefId: { S: key }, firstName: { S: firstName }, lastName: { S: 'X' } },
      ...{ version: { N: String(version) }, updatedAt: { S: '2026-11-22T03:00:00.000Z' } },
    })

    it.each([1, 2, 7])(
      'as an item at version %d where Aurora owns it: listed with both images, and not applied',
      async (version) => {
        await streamed(() => world.create(chef, 'dynamo', named('one'), key))
        await world.claim(chef, key, 'aurora')
        await streamed(() => world.sync.put(chef, item(version, 'foreign')))

        expect((await both())[0]).toBe('held aurora 1 1 one')
        expect(await parked()).toMatchObject([{ entity: 'chef.conflicts', code: 'owner.foreign' }])
      },
    )

    it('as an item where only a legacy row is: listed, and not applied', async () => {
      const [{ insertId }] = await world.sync.aurora.legacy.query<ResultSetHeader>(
        "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')",
      )
      key = String(insertId)
      await streamed(() => world.sync.put(chef, item(7, 'foreign')))

      expect((await both())[0]).toBe('held aurora 0 1 Auguste')
      expect(await parked()).toMatchObject([{ entity: 'chef.conflicts', code: 'owner.foreign' }])
    })

    it('by a delete of an item that Aurora owns: listed, and the row stays', async () => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await world.claim(chef, key, 'aurora')
      await streamed(() => world.sync.remove(chef, key))

      expect((await both())[0]).toBe('held aurora 1 1 one')
      expect(await parked()).toMatchObject([{ entity: 'chef.conflicts', code: 'owner.foreign' }])
    })

    it('is listed until somebody ends it, whatever is applied since', async () => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await world.claim(chef, key, 'aurora')
      await streamed(() =>
        world.sync.put(chef, {
          ...item(1, 'foreign'),
          backsync_owner: { S: 'aurora' },
          backsync_epoch: { N: '1' },
        }),
      )
      await world.sync.put(chef, {
        ...item(1, 'one'),
        lastName: { S: 'Test' },
        backsync_owner: { S: 'aurora' },
        backsync_epoch: { N: '1' },
      })
      await world.claim(chef, key, 'dynamo')
      await streamed(() => world.replace(chef, 'dynamo', key, named('two')))

      expect(await both()).toEqual(['held dynamo 2 2 two', 'held dynamo 2 2 two'])
      expect(await parked()).toMatchObject([{ entity: 'chef.conflicts', code: 'owner.foreign' }])
    })
  })

  it('is not claimed where both sides have what the other one lacks', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await world.sync.aurora.legacy.query(
      "UPDATE cheftable SET cheffirst = 'other', backsync_version = 5 WHERE backsync_key = ?",
      [key],
    )
    await expect(world.claim(chef, key, 'aurora')).rejects.toMatchObject({ code: 'claim.conflict' })
    expect(await both()).toEqual(['held dynamo 0 5 other', 'held dynamo 0 1 one'])
    await world.replace(chef, 'dynamo', key, named('two'))
  })
})
