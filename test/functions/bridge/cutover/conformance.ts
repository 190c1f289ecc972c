import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import type { Change, Intent, Version } from '../../../../functions/bridge/model/change.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import type { Epoch, Owner } from '../../../../functions/bridge/model/owner.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'
import type { Source } from '../../../../functions/bridge/ports/source.ts'
import { plate } from '../../fixtures/plate.ts'
import type { Guard } from './fakes/guards.ts'

/** Both stores, with a key that neither of them has heard of. */
export type Stores = {
  readonly key: string
  readonly sides: ClaimSides
  readonly sink: Sink
  readonly source: Source
  write(side: Owner, change: Change | Intent): Promise<unknown>
  /** A PutItem of somebody who asks nobody, and knows of no moves. */
  put(change: Change): Promise<void>
}

/** Behind whatever was before there were owners. */
const AT = '2037-01-01T00:00:00.000Z'

/** What a case does to both stores, in words of its own. */
const wordsOf = (stores: Stores) => {
  const { key, sides, sink, source } = stores
  const own = { entity: plate.name, key, source: 'test', at: AT }
  const upsert = (title: string, version: Version, epoch: Epoch): Change => ({
    ...{ ...own, op: 'upsert', version, epoch, row: { code: key, title } },
  })
  const deleted = (version: Version, epoch: Epoch): Change => ({ ...own, op: 'delete', version, epoch })
  const told = async (side: Owner): Promise<string> => {
    const { state, owner, epoch, version, ...of } = await sides[side].read(plate, key)
    const title = 'row' in of ? ` ${String(of.row.title)}` : ''
    return `${state} ${owner} ${epoch} ${version}${title}`
  }
  return {
    told,
    both: async () => [await told('aurora'), await told('dynamo')],
    create: (side: Owner, title: string) => stores.write(side, upsert(title, 1n, 0n)),
    replace: (side: Owner, title: string) =>
      stores.write(side, { ...own, op: 'upsert', version: 'next', row: { code: key, title } }),
    remove: (side: Owner) => stores.write(side, { ...own, op: 'delete', version: 'next' }),
    put: (title: string, version: Version) => stores.put(upsert(title, version, 0n)),
    claim: (to: Owner, epoch: Epoch) => claim(plate, key, to, sides, { epoch }),
    apply: async (title: string | undefined, version: Version, epoch: Epoch) => {
      const change = title === undefined ? deleted(version, epoch) : upsert(title, version, epoch)
      const { applied, overruled } = await sink.applyIsolating(plate.name, [change])
      const [one] = overruled
      return applied > 0 ? 'applied' : one === undefined ? 'held' : (one.authority ?? 'overruled')
    },
    lift: (title: string | undefined, version: Version, above: Version, under?: Epoch) => {
      const change = title === undefined ? deleted(version, 0n) : upsert(title, version, 0n)
      return source.lift?.(change, above, under)
    },
    /** @param was the move of the record as it was read. @default the one that it is of */
    release: async (
      side: Owner,
      owner: Owner,
      epoch: Epoch,
      as: { was?: Epoch; above?: Version; isHeld?: boolean } = {},
    ) => {
      const { was = (await sides[side].read(plate, key)).epoch, ...others } = as
      return sides[side].release(plate, key, { owner, epoch }, { was, ...others })
    },
    take: async (to: Owner, from: Owner, epoch: Epoch) => {
      const last = await sides[from].read(plate, key)
      return sides[to].take(plate, last, { owner: to, epoch })
    },
  }
}

type Words = ReturnType<typeof wordsOf>

/** @returns the code of what is refused */
const refused = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof BridgeError) return error.code
    throw error
  }
}

type Case = {
  readonly guard: Guard
  readonly title: string
  readonly play: (words: Words) => Promise<unknown>
  readonly comes: unknown
}

const CASES: readonly Case[] = [
  {
    guard: 'fence',
    title: 'what is released on Aurora is refused there',
    play: async ({ create, release, replace, told }) => {
      await create('aurora', 'one')
      await release('aurora', 'dynamo', 1n)
      return [await refused(replace('aurora', 'two')), await told('aurora')]
    },
    comes: ['owner.other', 'held dynamo 1 1 one'],
  },
  {
    guard: 'fence',
    title: 'what is released on DynamoDB is refused there',
    play: async ({ create, release, replace, told }) => {
      await create('dynamo', 'one')
      await release('dynamo', 'aurora', 1n)
      return [await refused(replace('dynamo', 'two')), await told('dynamo')]
    },
    comes: ['owner.other', 'held aurora 1 1 one'],
  },
  {
    guard: 'fence',
    title: 'a key that is nowhere is refused where it was released',
    play: async ({ create, release }) => {
      await release('aurora', 'dynamo', 1n, { above: 0n })
      return refused(create('aurora', 'one'))
    },
    comes: 'owner.other',
  },
  {
    guard: 'fence',
    title: 'a key that is nowhere any more is refused where it was released, by whoever has read its row',
    play: async ({ create, release }) => {
      await release('aurora', 'dynamo', 1n, { above: 0n, isHeld: true })
      return refused(create('aurora', 'one'))
    },
    comes: 'owner.other',
  },
  ...(['aurora', 'dynamo'] as const).map(
    (side): Case => ({
      guard: 'epoch-in-claim',
      title: `a release of an earlier move does nothing on ${side}`,
      play: async ({ create, release, told }) => {
        await create(side, 'one')
        await release(side, 'dynamo', 3n)
        await release(side, 'aurora', 2n)
        return told(side)
      },
      comes: 'held dynamo 3 1 one',
    }),
  ),
  ...(['aurora', 'dynamo'] as const).map(
    (side): Case => ({
      guard: 'epoch-as-read',
      title: `a release does nothing on ${side} once another move has come behind what it has read`,
      play: async ({ create, release, told }) => {
        await create(side, 'one')
        await release(side, 'dynamo', 3n)
        await release(side, 'aurora', 5n, { was: 2n })
        return told(side)
      },
      comes: 'held dynamo 3 1 one',
    }),
  ),
  {
    guard: 'epoch-as-read',
    title: 'nor of what is deleted, on Aurora',
    play: async ({ create, remove, release, told }) => {
      await create('aurora', 'one')
      await remove('aurora')
      await release('aurora', 'dynamo', 3n)
      await release('aurora', 'aurora', 5n, { was: 2n })
      return told('aurora')
    },
    comes: 'deleted dynamo 3 2',
  },
  {
    guard: 'content-in-claim',
    title: 'a row that is taken is no write over what is equal and other',
    play: async ({ create, apply, release, take, put, both }) => {
      await create('dynamo', 'one')
      await apply('one', 1n, 0n)
      await put('two', 1n)
      await release('dynamo', 'aurora', 1n)
      return [await refused(take('aurora', 'dynamo', 1n)), ...(await both())]
    },
    comes: ['claim.conflict', 'held dynamo 0 1 one', 'held aurora 1 1 two'],
  },
  {
    guard: 'owner-in-take',
    title: 'Aurora keeps what it has, whatever it is given',
    play: async ({ create, release, take, told }) => {
      await create('aurora', 'one')
      await release('dynamo', 'aurora', 2n, { above: 0n })
      return [await refused(take('aurora', 'dynamo', 2n)), await told('aurora')]
    },
    comes: ['done', 'held aurora 2 1 one'],
  },
  {
    guard: 'owner-in-take',
    title: 'DynamoDB keeps what it has, whatever it is given',
    play: async ({ create, apply, replace, release, take, told }) => {
      await create('dynamo', 'one')
      await apply('one', 1n, 0n)
      await replace('dynamo', 'two')
      await release('aurora', 'dynamo', 2n)
      return [await refused(take('dynamo', 'aurora', 2n)), await told('dynamo')]
    },
    comes: ['done', 'held dynamo 2 2 two'],
  },
  {
    guard: 'known-absence',
    title: 'an item that has gone since is not made anew by a claim',
    play: async ({ create, release, take, told }) => {
      await create('aurora', 'one')
      await release('aurora', 'dynamo', 1n)
      return [await refused(take('dynamo', 'aurora', 1n)), await told('dynamo')]
    },
    comes: ['claim.undecided', 'absent dynamo 0 0'],
  },
  ...(['aurora', 'dynamo'] as const).map((side): Case => {
    const other = side === 'aurora' ? 'dynamo' : 'aurora'
    return {
      guard: 'owner-in-write',
      title: `a write and a delete are refused on ${side} where ${other} owns the key`,
      play: async ({ create, claim: move, replace, remove, told }) => {
        await create(side, 'one')
        await move(other, 1n)
        return [await refused(replace(side, 'two')), await refused(remove(side)), await told(side)]
      },
      comes: ['owner.other', 'owner.other', `held ${other} 1 1 one`],
    }
  }),
  {
    guard: 'version-in-mirror',
    title: 'a mirrored change of before does nothing',
    play: async ({ apply, told }) => [
      await apply('two', 2n, 0n),
      await apply('one', 1n, 0n),
      await apply('two', 2n, 0n),
      await told('aurora'),
    ],
    comes: ['applied', 'overruled', 'held', 'held dynamo 0 2 two'],
  },
  {
    guard: 'owner-in-mirror',
    title: 'a mirrored change does nothing where Aurora owns the key',
    play: async ({ create, apply, told }) => {
      await create('aurora', 'one')
      return [await apply('two', 7n, 0n), await apply(undefined, 8n, 0n), await told('aurora')]
    },
    comes: ['foreign', 'foreign', 'held aurora 0 1 one'],
  },
  {
    guard: 'epoch-in-mirror',
    title: 'a mirrored change of before a move does nothing',
    play: async ({ create, claim: move, apply, told }) => {
      await create('aurora', 'one')
      await move('dynamo', 2n)
      return [await apply('two', 7n, 1n), await apply(undefined, 8n, 1n), await told('aurora')]
    },
    comes: ['late', 'late', 'held dynamo 2 1 one'],
  },
  {
    guard: 'tombstone',
    title: 'what is deleted does not come back by an earlier change',
    play: async ({ apply, told }) => {
      await apply('one', 1n, 0n)
      await apply(undefined, 3n, 0n)
      return [await apply('two', 2n, 0n), await told('aurora')]
    },
    comes: ['overruled', 'deleted dynamo 0 3'],
  },
  {
    guard: 'record-of-delete',
    title: 'an item whose key has changed hands leaves a record, and is made anew above it',
    play: async ({ create, claim: move, remove, told }) => {
      await create('aurora', 'one')
      await move('dynamo', 1n)
      await remove('dynamo')
      const gone = await told('dynamo')
      await create('dynamo', 'two')
      return [gone, await told('dynamo')]
    },
    comes: ['deleted dynamo 1 2', 'held dynamo 1 3 two'],
  },
  {
    guard: 'lift',
    title: 'what is still there is lifted',
    play: async ({ create, lift, told }) => {
      await create('dynamo', 'one')
      return [await lift('one', 1n, 5n), await told('dynamo')]
    },
    comes: ['lifted', 'held dynamo 0 6 one'],
  },
  {
    guard: 'lift-of-delete',
    title: 'a delete is meant still where nothing is there',
    play: async ({ create, remove, lift }) => {
      await create('dynamo', 'one')
      await remove('dynamo')
      return lift(undefined, 2n, 5n)
    },
    comes: 'lifted',
  },
  {
    guard: 'version-in-lift',
    title: 'what is not there any more is not lifted',
    play: async ({ create, replace, lift, told }) => {
      await create('dynamo', 'one')
      await replace('dynamo', 'two')
      return [await lift('one', 1n, 5n), await told('dynamo')]
    },
    comes: ['late', 'held dynamo 0 2 two'],
  },
  {
    guard: 'owner-in-lift',
    title: 'what Aurora owns is not lifted',
    play: async ({ create, claim: move, lift, told }) => {
      await create('dynamo', 'one')
      await move('aurora', 1n)
      return [await lift('one', 1n, 5n), await told('dynamo')]
    },
    comes: ['kept', 'held aurora 1 1 one'],
  },
  {
    guard: 'source-of-late',
    title: 'what knows nothing of the move is told of it, and not twice',
    play: async ({ put, lift, told }) => {
      await put('one', 3n)
      const first = [await lift('one', 3n, 1n, 2n), await told('dynamo')]
      return [...first, await lift('one', 3n, 1n, 2n), await told('dynamo')]
    },
    comes: ['lifted', 'held dynamo 2 3 one', 'late', 'held dynamo 2 3 one'],
  },
]

/** What fakes and real stores have in common: by guard and title, with what it comes to. */
export const conformance = CASES.map(({ guard, title, play, comes }) => ({
  ...{ guard, title, comes },
  play: (stores: Stores) => play(wordsOf(stores)),
}))
