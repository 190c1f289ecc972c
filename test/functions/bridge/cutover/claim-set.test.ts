import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { claimTogether, type TogetherParts } from '../../../../functions/bridge/cutover/claim-page.ts'
import { claimSet, type SetSides } from '../../../../functions/bridge/cutover/claim-set.ts'
import { PER_SET } from '../../../../functions/bridge/cutover/move-extent.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { KeySets } from '../../../../functions/bridge/ports/key-sets.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

const SIDES = ['aurora', 'dynamo'] as const

describe('keys that are claimed together', () => {
  let world: FacadeWorld
  let keys: readonly string[]
  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())

  /** Keys that were made at one side, and moved to the other one by move 1. */
  const made = async (side: Owner, count: number): Promise<readonly string[]> => {
    const names = Array.from({ length: count }, () => `plate-${randomUUID().slice(0, 13)}`)
    for (const key of names) {
      await world.make(plate, otherOf(side), { code: key, title: 'one' }, key)
      await world.facadeParts.claim(plate, key, side, 1n)
    }
    return names
  }
  const together = (to: Owner, epoch: bigint, sets: SetSides = world.sets, of = keys) =>
    claimSet(plate, of, { owner: to, epoch }, { sets, sides: world.sides })
  const bothOf = (key: string) => world.record(plate, key)
  const replace = (side: Owner, key: string, title: string) =>
    world.replace(plate, side, key, { code: key, title })
  /** A legacy program's transaction, that is left open. */
  const openTransaction = async (statement: string, values: readonly string[]) => {
    const { legacy } = world.sync.aurora
    await legacy.beginTransaction()
    await legacy.query(statement, [...values])
    return { end: (how: 'commit' | 'rollback') => legacy[how]() }
  }

  describe.each(SIDES)('from %s', (from) => {
    const to = otherOf(from)
    beforeEach(async () => {
      keys = await made(from, 3)
    })

    it('have their last content at the other side, which both say', async () => {
      for (const key of keys) await replace(from, key, 'two')
      const { moved } = await together(to, 2n)
      expect([...moved].sort()).toEqual(keys.toSorted())
      for (const key of keys)
        expect(await bothOf(key)).toMatchObject({
          [to]: `${to} 2 v2 two`,
          [from]: expect.stringMatching(`^${to} 2 v2 `),
        })
    })

    it('take so many calls, however many they are', async () => {
      const count = async (of: readonly string[]) => {
        const { aurora, dynamo } = await world.calls(() => together(to, 2n, world.sets, of))
        const each = Object.groupBy(dynamo, (name) => name)
        return { aurora, each }
      }
      const few = await count(keys)
      const many = await count(await made(from, 40))
      expect(many.aurora).toBe(few.aurora)
      expect(many.aurora).toBeLessThanOrEqual(PER_SET.dataApi)
      // One write for each key, and a look at a hundred with one call.
      const [write] = from === 'dynamo' ? ['UpdateItem'] : ['PutItem']
      expect(Object.keys(many.each).sort()).toEqual(['BatchGetItem', write].sort())
      expect(many.each[write ?? '']).toHaveLength(40)
      expect(many.each.BatchGetItem?.length).toBeLessThanOrEqual(2)
    })

    it('stay where they are where a later move has one, and that one stays with it', async () => {
      const [first = '', ...others] = keys
      await world.facadeParts.claim(plate, first, from, 7n)
      const { moved, already } = await together(to, 2n)
      expect([[...moved].sort(), [...already]]).toEqual([others.toSorted(), [first]])
      expect(await bothOf(first)).toMatchObject({ [from]: `${from} 7 v1 one` })
    })

    it('are said anew to be where they belong already, by the side that has them first', async () => {
      const dead: KeySets = { ...bound(world.sets[to]), release: () => Promise.reject(new Error('died')) }
      await expect(together(from, 2n, { ...world.sets, [to]: dead })).rejects.toThrow('died')
      for (const key of keys)
        expect(await bothOf(key)).toEqual({
          [from]: `${from} 2 v1 one`,
          [to]: `${from} 1 v1 one`,
        })
      const { moved } = await together(from, 3n)
      expect(moved.size).toBe(keys.length)
      for (const key of keys)
        expect(await bothOf(key)).toEqual({ aurora: `${from} 3 v1 one`, dynamo: `${from} 3 v1 one` })
    })

    it('are left half way by whoever dies in between, and anybody goes on with them', async () => {
      const dead: KeySets = { ...bound(world.sets[to]), take: () => Promise.reject(new Error('died')) }
      await expect(together(to, 2n, { ...world.sets, [to]: dead })).rejects.toThrow('died')
      for (const key of keys) expect((await bothOf(key))[from]).toMatch(new RegExp(`^${to} 2 `))
      // What takes another step than a plain one is for claims of their own.
      expect((await together(to, 2n)).moved.size).toBe(0)
      for (const key of keys) {
        await world.facadeParts.claim(plate, key, to, 2n)
        expect(await bothOf(key)).toMatchObject({ [to]: `${to} 2 v1 one`, [from]: `${to} 2 v1 one` })
      }
    })

    it('do not overtake a move that comes once they were read', async () => {
      const [first = ''] = keys
      const late: KeySets = {
        ...bound(world.sets[from]),
        release: async (...of) => {
          await world.facadeParts.claim(plate, first, from, 5n)
          return world.sets[from].release(...of)
        },
      }
      const { moved } = await together(to, 2n, { ...world.sets, [from]: late })
      expect(moved.has(first)).toBe(false)
      expect(moved.size).toBe(2)
      expect(await bothOf(first)).toMatchObject({ [from]: `${from} 5 v1 one` })
    })

    it('do not overtake one that comes once they were given away', async () => {
      const [first = ''] = keys
      const late: KeySets = {
        ...bound(world.sets[to]),
        take: async (...of) => {
          await world.facadeParts.claim(plate, first, from, 5n)
          return world.sets[to].take(...of)
        },
      }
      const { moved } = await together(to, 2n, { ...world.sets, [to]: late })
      expect([moved.has(first), moved.size]).toEqual([false, 2])
      expect(await bothOf(first)).toEqual({ aurora: `${from} 5 v1 one`, dynamo: `${from} 5 v1 one` })
    })

    it('do not overtake one that has come and was taken back by another since they were read', async () => {
      const [first = ''] = keys
      const late: KeySets = {
        ...bound(world.sets[from]),
        release: async (...of) => {
          await world.facadeParts.claim(plate, first, to, 3n)
          await replace(to, first, 'two')
          return world.sets[from].release(...of)
        },
      }
      const { moved } = await together(to, 4n, { ...world.sets, [from]: late })
      expect(moved.has(first)).toBe(false)
      expect((await bothOf(first))[to]).toBe(`${to} 3 v2 two`)
    })

    it('bring what was accepted after they were read', async () => {
      const [first = ''] = keys
      const late: KeySets = {
        ...bound(world.sets[from]),
        release: async (...of) => {
          await replace(from, first, 'late')
          return world.sets[from].release(...of)
        },
      }
      const { moved } = await together(to, 2n, { ...world.sets, [from]: late })
      expect(moved.has(first)).toBe(true)
      expect((await bothOf(first))[to]).toBe(`${to} 2 v2 late`)
    })
  })

  it('are not made where the item of one went away behind the look', async () => {
    keys = await made('aurora', 2)
    const [first = ''] = keys
    const late: KeySets = {
      ...bound(world.sets.dynamo),
      take: async (...of) => {
        await world.sync.remove(plate, first)
        return world.sets.dynamo.take(...of)
      },
    }
    const { moved, failed } = await together('dynamo', 2n, { ...world.sets, dynamo: late })
    expect([moved.size, failed.get(first)?.code]).toEqual([1, 'claim.undecided'])
    expect(await world.sync.item(plate, first)).toBeUndefined()
  })

  it('is no write over what the other side has come to hold: it is given back, and told of', async () => {
    keys = await made('aurora', 2)
    const [first = ''] = keys
    const late: KeySets = {
      ...bound(world.sets.dynamo),
      take: async (...of) => {
        await world.sync.put(plate, {
          ...(await world.sync.item(plate, first)),
          ...{ version: { N: '9' }, title: { S: 'other' } },
        })
        return world.sets.dynamo.take(...of)
      },
    }
    const told: string[] = []
    const { moved, failed } = await claimSet(
      plate,
      keys,
      { owner: 'dynamo', epoch: 2n },
      {
        sets: { ...world.sets, dynamo: late },
        sides: world.sides,
        unmovable: async ({ aurora }) => {
          told.push(aurora.key)
        },
      },
    )
    expect([moved.size, failed.get(first)?.code, told]).toEqual([1, 'claim.conflict', [first]])
    expect(await bothOf(first)).toEqual({ aurora: 'aurora 2 v1 one', dynamo: 'aurora 2 v9 other' })
  })

  it('are not taken where plain SQL comes between the content and whose it is', async () => {
    keys = await made('dynamo', 2)
    const [first = ''] = keys
    const aurora = world.rowSets(() => world.sync.aurora.legacy.query(LEGACY_UPDATE, ['sql', first]))
    const { moved, failed } = await together('aurora', 2n, { ...world.sets, aurora })
    expect([moved.size, failed.get(first)?.code]).toEqual([1, 'claim.conflict'])
    expect((await bothOf(first)).dynamo).toBe('dynamo 2 v1 one')
  })

  it('are not written over where one is written between the look and the claim', async () => {
    keys = await made('aurora', 2)
    const [first = ''] = keys
    const { client } = world.sync
    let isLate = true
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'PutItemCommand' && isLate) {
            isLate = false
            const item = await world.sync.item(plate, first)
            await world.sync.put(plate, { ...item, version: { N: '9' }, title: { S: 'other' } })
          }
          return next(args)
        },
      { step: 'initialize', name: 'between' },
    )
    try {
      const { moved, failed } = await together('dynamo', 2n)
      expect([moved.size, failed.get(first)?.code]).toEqual([1, 'claim.conflict'])
      expect(await bothOf(first)).toEqual({ aurora: 'aurora 2 v1 one', dynamo: 'aurora 2 v9 other' })
    } finally {
      client.middlewareStack.remove('between')
    }
  })

  it('leave to a look at itself a row of which it is known only whose the key is', async () => {
    keys = [randomUUID(), randomUUID()]
    const [first = ''] = keys
    for (const key of keys) await world.make(plate, 'aurora', { code: key, title: 'one' }, key)
    await world.sync.aurora.legacy.query('UPDATE plates SET backsync_version = 0 WHERE code = ?', [first])
    const { moved, already, busy } = await together('dynamo', 2n)
    expect([moved, already, busy].map((of) => of.has(first))).toEqual([false, false, false])
    expect(moved.size).toBe(1)
    expect(await world.sync.item(plate, first)).toBeUndefined()
  })

  it('end what was listed of one, where it has moved', async () => {
    keys = await made('aurora', 2)
    const [first = ''] = keys
    const item = await world.sync.item(plate, first)
    await world.sync.put(plate, { ...item, version: { N: '9' }, title: { S: 'other' } })
    const listed = async () =>
      (await world.sync.parts.parking.parkedAmong('plate.conflicts', [first])).has(first)
    await expect(world.facadeParts.claim(plate, first, 'dynamo', 2n)).rejects.toMatchObject({
      code: 'claim.conflict',
    })
    expect(await listed()).toBe(true)
    await world.sync.put(plate, { ...item })
    const { moved } = await world.claimSet(plate, keys, 'dynamo', 2n)
    expect([moved.size, await listed()]).toEqual([2, false])
  })

  it('keep what DynamoDB has of one, where that has had it all along', async () => {
    keys = await made('dynamo', 2)
    const [first = ''] = keys
    // A restore of Aurora's, from which somebody went on.
    await world.sync.aurora.legacy.query(
      "UPDATE plates SET title = 'old', backsync_version = 5, backsync_owner = NULL, backsync_epoch = 0 WHERE code = ?",
      [first],
    )
    await together('dynamo', 2n)
    expect(await bothOf(first)).toEqual({ aurora: 'dynamo 2 v5 old', dynamo: 'dynamo 2 v1 one' })
  })

  it('are made where DynamoDB has none of them, behind an item that says so', async () => {
    keys = [randomUUID(), randomUUID()]
    for (const key of keys) await world.make(plate, 'aurora', { code: key, title: 'one' }, key)
    const dead: KeySets = { ...bound(world.sets.aurora), release: () => Promise.reject(new Error('died')) }
    await expect(together('dynamo', 2n, { ...world.sets, aurora: dead })).rejects.toThrow('died')
    for (const key of keys)
      expect(await bothOf(key)).toEqual({ aurora: 'aurora 0 v1 one', dynamo: 'aurora 0 v0 absent' })
    expect((await together('dynamo', 2n)).moved.size).toBe(2)
    for (const key of keys)
      expect(await bothOf(key)).toEqual({ aurora: 'dynamo 2 v1 one', dynamo: 'dynamo 2 v1 one' })
  })

  it.each(['one', 'two'])(
    'leave to a look at itself what both stores have made, with %s at the other one',
    async (title) => {
      keys = [randomUUID()]
      for (const key of keys) {
        await world.make(plate, 'aurora', { code: key, title: 'one' }, key)
        await world.make(plate, 'dynamo', { code: key, title }, key)
      }
      const claimed = await together('dynamo', 2n)
      expect(Object.values(claimed).map(({ size }) => size)).toEqual([0, 0, 0, 0])
      expect(await bothOf(keys[0] ?? '')).toEqual({
        aurora: 'aurora 0 v1 one',
        dynamo: `dynamo 0 v1 ${title}`,
      })
    },
  )

  it.each(SIDES)(
    'leave to a look at itself what DynamoDB has deleted, and Aurora not yet: to %s',
    async (to) => {
      keys = await made('dynamo', 2)
      const [first = ''] = keys
      await world.sync.remove(plate, first)
      const { moved, already } = await together(to, 2n)
      expect([moved.has(first), already.has(first), moved.size]).toEqual([false, false, 1])
      expect(await bothOf(first)).toEqual({ aurora: 'dynamo 1 v1 one', dynamo: 'dynamo 0 v0 absent' })
    },
  )

  describe('of which somebody is writing one', () => {
    const page = (patience: number, more: Partial<TogetherParts> = {}) =>
      claimTogether(
        plate,
        keys.map((key) => ({ key, owner: 'aurora', epoch: 1n })),
        { targetOf: () => 'dynamo', epoch: 2n },
        { claim: world.facadeParts.claim, claimSet: world.claimSet, patience, ...more },
      )

    it.each(SIDES)(
      'in a transaction that stays open, are claimed from %s without waiting for it',
      async (from) => {
        keys = await made(from, 4)
        const [first = '', ...others] = keys
        const open = await openTransaction('SELECT code FROM plates WHERE code = ? FOR UPDATE', [first])
        try {
          const { moved, busy } = await together(otherOf(from), 2n)
          expect([[...moved].sort(), [...busy]]).toEqual([others.toSorted(), [first]])
          expect((await bothOf(first))[from]).toBe(`${from} 1 v1 one`)
        } finally {
          await open.end('rollback')
        }
      },
    )

    it('leave that where it is, and say why, when it goes on for long', async () => {
      keys = await made('aurora', 3)
      const [first = ''] = keys
      const open = await openTransaction(LEGACY_UPDATE, ['mine', first])
      try {
        expect(await page(100)).toEqual([
          { key: { key: { S: first } }, why: expect.stringMatching(/^row\.locked: .*sweep once more$/) },
        ])
      } finally {
        await open.end('commit')
      }
      expect(await page(100)).toEqual([])
      expect((await bothOf(first)).dynamo).toBe('dynamo 2 v2 mine')
    })

    it('come to it at the end of the page, with what was written', async () => {
      keys = await made('aurora', 3)
      const [first = ''] = keys
      const open = await openTransaction(LEGACY_UPDATE, ['mine', first])
      let looks = 0
      const refusals = await page(60_000, {
        claimSet: async (...of) => {
          looks += 1
          if (looks === 2) await open.end('commit')
          return world.claimSet(...of)
        },
      })
      expect([refusals, looks]).toEqual([[], 2])
      expect((await bothOf(first)).dynamo).toBe('dynamo 2 v2 mine')
    })
  })
})

/** With what a trigger does. */
const LEGACY_UPDATE = 'UPDATE plates SET title = ?, backsync_version = backsync_version + 1 WHERE code = ?'

const bound = (set: KeySets): KeySets => ({
  side: set.side,
  read: (...of) => set.read(...of),
  busy: (...of) => set.busy(...of),
  release: (...of) => set.release(...of),
  take: (...of) => set.take(...of),
})
