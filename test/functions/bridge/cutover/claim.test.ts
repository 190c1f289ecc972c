import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { openWorld, type World } from './world.ts'

/** A side that says when it is asked what it has. */
const counting = (of: KeyRecords, looked: () => void): KeyRecords => ({
  side: of.side,
  read: (...asked) => {
    looked()
    return of.read(...asked)
  },
  release: (...asked) => of.release(...asked),
  take: (...asked) => of.take(...asked),
  restore: (...asked) => of.restore(...asked),
})

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

  it('goes on by what was read before it, and looks for itself where the claim would end with that', async () => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await world.claim(chef, key, 'aurora')
    const read = async () => ({
      aurora: await world.sides.aurora.read(chef, key),
      dynamo: await world.sides.dynamo.read(chef, key),
    })
    const now = await read()
    const later = { owner: 'dynamo', epoch: 99n } as const
    let looks = 0
    const sides: ClaimSides = {
      dynamo: world.sides.dynamo,
      aurora: counting(world.sides.aurora, () => {
        looks += 1
      }),
    }
    const move = async (to: Owner, epoch: bigint, seen: typeof now) => {
      looks = 0
      const { done, record } = await claim(chef, key, to, sides, { epoch, seen })
      return [done, record.owner, Number(record.epoch), looks]
    }

    expect(await move('dynamo', 2n, now)).toEqual(['moved', 'dynamo', 2, 0])
    expect(await move('aurora', 3n, now)).toEqual(['moved', 'aurora', 3, 1])
    const other = { state: 'held', row: named('other'), version: 7n } as const
    const missing = { key, state: 'absent', version: 0n, at: null, owner: 'dynamo', epoch: 0n } as const
    const wrong: Readonly<Record<string, (is: typeof now) => typeof now>> = {
      'it is there': ({ aurora, dynamo }) => ({
        aurora: { ...aurora, ...later },
        dynamo: { ...dynamo, ...later },
      }),
      'a later move has it': ({ aurora, dynamo }) => ({
        aurora: { ...aurora, epoch: 99n },
        dynamo: { ...dynamo, epoch: 99n },
      }),
      'both have written it': ({ aurora, dynamo }) => ({
        aurora,
        dynamo: { ...dynamo, ...other, owner: 'dynamo' },
      }),
      'its delete is on its way': ({ aurora }) => ({
        aurora: { ...aurora, owner: 'dynamo' },
        dynamo: missing,
      }),
      'it is another key’s': ({ aurora, dynamo }) => ({ aurora, dynamo: { ...dynamo, key: 'another' } }),
    }
    const told: unknown[] = []
    let epoch = 3n
    for (const [what, seen] of Object.entries(wrong)) {
      epoch += 1n
      told.push([what, ...(await move('dynamo', epoch, seen(await read())))])
      epoch += 1n
      await claim(chef, key, 'aurora', world.sides, { epoch })
    }
    expect(told).toEqual(Object.keys(wrong).map((what, at) => [what, 'moved', 'dynamo', 4 + 2 * at, 1]))
    expect(await both()).toEqual(['held aurora 13 1 one', 'held aurora 13 1 one'])
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

  /** Both sides, of which one can't be reached any more once the other one has given the key away. */
  const dying = (to: Owner) => ({
    ...world.sides,
    [to]: {
      side: to,
      read: (...of: Parameters<KeyRecords['read']>) => world.sides[to].read(...of),
      release: (...of: Parameters<KeyRecords['release']>) => world.sides[to].release(...of),
      take: () => Promise.reject(new TypeError('died')),
      restore: () => Promise.reject(new TypeError('died')),
    },
  })

  describe('and whose claimer dies in between', () => {
    it.each<Owner>(['aurora', 'dynamo'])(
      'is nobody’s to write, until anybody completes the claim to %s',
      async (to) => {
        const from = to === 'aurora' ? 'dynamo' : 'aurora'
        await streamed(() => world.create(chef, from, named('one'), key))
        await streamed(() => expect(claim(chef, key, to, dying(to))).rejects.toThrow('died'))
        await expect(world.replace(chef, from, key, named('x'))).rejects.toMatchObject(refused(to))

        await streamed(() => world.claim(chef, key, to))
        const held = `held ${to} 1 1 one`
        expect(await both()).toEqual([held, held])
        expect(await parked()).toEqual([])
      },
    )

    it.each<Owner>(['aurora', 'dynamo'])(
      'stays with %s, with its last content, where it is claimed for that again',
      async (from) => {
        await streamed(() => world.create(chef, from, named('one'), key))
        // No record of it has come: Aurora may never have heard of the key.
        await streamed(() => world.replace(chef, from, key, named('two')), false)
        const to = from === 'aurora' ? 'dynamo' : 'aurora'
        await streamed(() => expect(claim(chef, key, to, dying(to))).rejects.toThrow('died'), false)

        expect(await world.claim(chef, key, from)).toMatchObject({ done: 'moved' })
        expect((await both())[from === 'aurora' ? 0 : 1]).toBe(`held ${from} 1 2 two`)
        await world.replace(chef, from, key, named('three'))
      },
    )

    it('of a key that Aurora has never heard of, stays with DynamoDB where it is claimed for that', async () => {
      await world.create(chef, 'dynamo', named('one'), key)
      await expect(claim(chef, key, 'aurora', dying('aurora'))).rejects.toThrow('died')
      await claim(chef, key, 'dynamo', world.sides, { epoch: 2n })

      expect(await both()).toEqual(['absent dynamo 2 0 ', 'held dynamo 2 1 one'])
    })

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
      await streamed(() => world.sides.dynamo.release(chef, key, { owner: 'aurora', epoch: 1n }, { was: 0n }))

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

  describe('is not claimed where both sides have what the other one lacks', () => {
    it.each([
      ['a larger version', 5],
      ['the same version', 1],
    ])('for Aurora, whose row has other content at %s', async (_, version) => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await world.sync.aurora.legacy.query(
        "UPDATE cheftable SET cheffirst = 'other', backsync_version = ? WHERE backsync_key = ?",
        [version, key],
      )
      await expect(world.claim(chef, key, 'aurora')).rejects.toMatchObject({ code: 'claim.conflict' })
      expect(await both()).toEqual([`held dynamo 0 ${version} other`, 'held dynamo 0 1 one'])
      await world.replace(chef, 'dynamo', key, named('two'))
    })

    it.each([
      ['a larger version', 5],
      ['the same version', 1],
    ])('for DynamoDB, whose item has other content at %s', async (_, version) => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await streamed(() => world.claim(chef, key, 'aurora'))
      const item = { ...((await world.item(chef, key)) ?? {}), firstName: { S: 'other' } }
      await world.sync.put(chef, { ...item, version: { N: String(version) } })

      await expect(world.claim(chef, key, 'dynamo')).rejects.toMatchObject({ code: 'claim.conflict' })
      expect(await both()).toEqual(['held aurora 1 1 one', `held aurora 1 ${version} other`])
      await world.replace(chef, 'aurora', key, named('two'))
    })

    it.each(['aurora', 'dynamo'] as const)(
      'for %s, where each side has made the key, whichever has been written more often since',
      async (to) => {
        for (const often of ['aurora', 'dynamo'] as const) {
          key = `made-${often}-${randomUUID()}`
          await world.create(chef, 'aurora', named('here'), key)
          await world.create(chef, 'dynamo', named('there'), key)
          await world.replace(chef, often, key, named('again'))
          const before = await both()

          await expect(world.claim(chef, key, to)).rejects.toMatchObject({ code: 'claim.conflict' })
          expect(await both()).toEqual(before)
        }
      },
    )
  })

  describe('and has been away and come back', () => {
    const moved = async () => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      await streamed(() => world.claim(chef, key, 'aurora'))
      await streamed(() => world.claim(chef, key, 'dynamo'))
    }

    it('is written back when it is deleted and made anew', async () => {
      await moved()
      await streamed(() => world.remove(chef, 'dynamo', key))
      expect((await both())[0]).toBe('deleted dynamo 2 2 ')
      await streamed(() => world.create(chef, 'dynamo', named('anew'), key))

      expect(await both()).toEqual(['held dynamo 2 3 anew', 'held dynamo 2 3 anew'])
      expect(await parked()).toEqual([])
    })

    it('is written back when somebody puts an item whole, who knows of no moves', async () => {
      await moved()
      const whole = { chefId: { S: key }, firstName: { S: 'whole' }, lastName: { S: 'X' } }
      const item = { ...whole, version: { N: '2' }, updatedAt: { S: '2026-11-22T03:00:00.000Z' } }
      await streamed(() => world.sync.put(chef, item))
      await streamed(() => world.replace(chef, 'dynamo', key, named('next')))
      // What was lifted comes as a record of its own.
      const lifted = await world.item(chef, key)
      await world.sync.deliver(world.recordOf(chef, key, item, lifted))

      const [aurora, dynamo] = await both()
      expect(aurora).toBe(dynamo)
      expect(aurora).toContain('held dynamo 2')
      expect(aurora).toContain('next')
      expect(await parked()).toEqual([])
    })

    it('is deleted when an item is, that somebody had put whole', async () => {
      await moved()
      const whole = { chefId: { S: key }, firstName: { S: 'whole' }, lastName: { S: 'X' } }
      const item = { ...whole, version: { N: '2' }, updatedAt: { S: '2026-11-22T03:00:00.000Z' } }
      const records = [
        await streamed(() => world.sync.put(chef, item), false),
        await streamed(() => world.sync.remove(chef, key), false),
      ]
      for (const record of records) await world.sync.deliver(record)

      expect((await both())[0]).toContain('deleted dynamo 2')
      expect(await parked()).toEqual([])
    })
  })

  describe('and is claimed for the side that has it', () => {
    it.each<Owner>(['aurora', 'dynamo'])('stays on %s with what was accepted there', async (side) => {
      await streamed(() => world.create(chef, 'dynamo', named('one'), key))
      if (side === 'aurora') await streamed(() => world.claim(chef, key, 'aurora'))
      const records = [
        await streamed(() => world.replace(chef, side, key, named('two')), false),
        await streamed(() => claim(chef, key, side, world.sides, { epoch: 7n }), false),
      ]
      if (side === 'dynamo') for (const record of records) await world.sync.deliver(record)

      expect((await both())[side === 'aurora' ? 0 : 1]).toBe(`held ${side} 7 2 two`)
      expect((await both())[side === 'aurora' ? 1 : 0]).toContain(side === 'aurora' ? 'aurora 7' : 'two')
    })

    it('on Aurora without an item goes to DynamoDB afterwards', async () => {
      const [{ insertId }] = await world.sync.aurora.legacy.query<ResultSetHeader>(
        "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')",
      )
      key = String(insertId)
      await streamed(() => claim(chef, key, 'aurora', world.sides, { epoch: 2n }))
      await streamed(() => world.claim(chef, key, 'dynamo'))
      expect(await both()).toEqual(['held dynamo 3 1 Auguste', 'held dynamo 3 1 Auguste'])
    })
  })

  it.each<Owner>(['aurora', 'dynamo'])(
    'stays with what was accepted where a claim for %s has read it before an earlier one took it away',
    async (to) => {
      const away = to === 'aurora' ? 'dynamo' : 'aurora'
      await streamed(() => world.create(chef, to, named('one'), key))
      await streamed(() => world.claim(chef, key, away))
      await streamed(() => world.claim(chef, key, to))
      await streamed(() => world.replace(chef, to, key, named('two')), false)
      let isTaken = false
      const late: ClaimSides = {
        ...world.sides,
        dynamo: {
          side: 'dynamo' as const,
          release: (...of: Parameters<KeyRecords['release']>) => world.sides.dynamo.release(...of),
          take: (...of: Parameters<KeyRecords['take']>) => world.sides.dynamo.take(...of),
          restore: (...of: Parameters<KeyRecords['restore']>) => world.sides.dynamo.restore(...of),
          // It is read last.
          read: async (...of: Parameters<KeyRecords['read']>) => {
            const seen = await world.sides.dynamo.read(...of)
            const move = { owner: away, epoch: 4n } as const
            if (!isTaken) await world.sides[to].release(chef, key, move, { was: 2n })
            isTaken = true
            return seen
          },
        },
      }
      await claim(chef, key, to, late, { epoch: 5n })

      expect((await both())[to === 'aurora' ? 0 : 1]).toMatch(new RegExp(`held ${to} 5 2 two`))
      await world.replace(chef, to, key, named('three'))
    },
  )

  it.each<Owner>(['aurora', 'dynamo'])('is not claimed for %s while its item is missing', async (to) => {
    await streamed(() => world.create(chef, 'dynamo', named('one'), key))
    await streamed(() => world.claim(chef, key, 'aurora'))
    await streamed(() => world.claim(chef, key, 'dynamo'))
    await streamed(() => world.sync.remove(chef, key), false)

    await expect(world.claim(chef, key, to)).rejects.toMatchObject({ code: 'claim.undecided' })
    expect(await world.item(chef, key)).toBeUndefined()
  })

  it('that is deleted does not come back by a claim that had begun before', async () => {
    await world.create(chef, 'aurora', named('one'), key)
    const slow = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const late = claim(
      chef,
      key,
      'dynamo',
      {
        aurora: world.sides.aurora,
        dynamo: {
          side: 'dynamo',
          read: (...of) => world.sides.dynamo.read(...of),
          release: async (...of) => {
            begun.resolve()
            await slow.promise
            return world.sides.dynamo.release(...of)
          },
          take: (...of) => world.sides.dynamo.take(...of),
          restore: (...of) => world.sides.dynamo.restore(...of),
        },
      },
      { epoch: 1n },
    )
    await begun.promise
    await claim(chef, key, 'dynamo', world.sides, { epoch: 1n })
    await world.remove(chef, 'dynamo', key)
    slow.resolve()
    await late

    expect((await both())[1]).toContain('deleted dynamo 1 2')
  })
})
