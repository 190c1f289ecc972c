import { BulkWriter } from '../../../../functions/bridge/copy/bulk-writer.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { TestFills } from '../backfill/harness.ts'
import type { World } from '../cutover/world.ts'

/*
 * Differences of every kind among rows and items that agree, and writers that go on meanwhile.
 */

const KINDS = [
  'onlyAurora',
  'onlyDynamo',
  'dynamoBehind',
  'auroraBehind',
  'conflict',
  'typeOnly',
  'unreadable',
  'disputed',
  'moving',
  'parked',
] as const
type Planted = (typeof KINDS)[number]

export const itemOf = (id: number, firstName = `first ${id}`): Item => ({
  chefId: { S: String(id) },
  firstName: { S: firstName },
  lastName: { S: `last ${id}` },
  version: { N: '1' },
  updatedAt: { S: '2026-11-22T10:00:00.000Z' },
  backsync_owner: { S: 'aurora' },
  backsync_epoch: { N: '0' },
  backsync_mirrored: { N: '1' },
})

/** So many rows, and their items as the mirror leaves them. */
export const plantRows = async ({ sync }: World, entity: Entity, count: number): Promise<void> => {
  const table = sync.tables.of(entity.item.table)
  const writer = new BulkWriter({
    ...{ client: sync.client, table, deadline: new Deadline() },
    key: keySchema({ partition: entity.item.keyAttribute }, 'test'),
  })
  for (let from = 1; from <= count; from += 5_000) {
    const ids = Array.from({ length: Math.min(5_000, count - from + 1) }, (_, at) => from + at)
    await Promise.all([
      sync.aurora.legacy.query('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
        ids.map((id) => [id, `first ${id}`, `last ${id}`]),
      ]),
      writer.put(ids.map((id) => itemOf(id))),
    ])
  }
  await sync.aurora.legacy.query('DELETE FROM backsync_changes')
}

/** Plants some of each kind. @returns keys with how they differ, in the order of the keys */
export const plantDifferences = async (
  { sync, sides }: World,
  entity: Entity,
  { count, each }: { readonly count: number; readonly each: number },
): Promise<readonly string[]> => {
  const { legacy } = sync.aurora
  const apart = Math.floor(count / (each * KINDS.length))
  const planted: [string, Planted][] = []
  const item = (id: number, more: Item): Promise<void> => sync.put(entity, { ...itemOf(id), ...more })
  const plant: Readonly<Record<Planted, (id: number) => Promise<unknown>>> = {
    onlyAurora: (id) => sync.remove(entity, String(id)),
    onlyDynamo: (id) => legacy.query('DELETE FROM cheftable WHERE id = ?', [id]),
    dynamoBehind: (id) => legacy.query('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['late', id]),
    auroraBehind: (id) => item(id, { version: { N: '9' }, backsync_mirrored: { N: '9' } }),
    conflict: (id) => item(id, { firstName: { S: 'other' } }),
    typeOnly: (id) => item(id, { version: { S: '1' } }),
    unreadable: (id) => item(id, { firstName: { N: '7' } }),
    disputed: (id) => item(id, { backsync_owner: { S: 'dynamo' } }),
    moving: (id) => sides.aurora.release(entity, String(id), { owner: 'dynamo', epoch: 5n }, { was: 0n }),
    parked: async (id) => {
      await item(id, { firstName: { S: 'other' } })
      const parked = { class: 'data' as const, code: 'test', message: 'test', payload: '{}', version: 1n }
      await sync.parts.parking.park([{ ...parked, entity: 'chef.mirror', key: String(id) }], new Date())
    },
  }
  for (let n = 0; n < each * KINDS.length; n++) {
    const kind = KINDS[n % KINDS.length] ?? 'conflict'
    const id = n * apart + 1
    await plant[kind](id)
    planted.push([String(id), kind])
  }
  await legacy.query('DELETE FROM backsync_changes')
  return planted.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, kind]) => `${key}: ${kind}`)
}

/** Legacy programs that go on writing rows which nothing was planted in, and a relay that is a little late. */
export const startWriters = (
  world: World,
  fills: TestFills,
  entity: Entity,
  { count, planted }: { readonly count: number; readonly planted: number },
) => {
  const { legacy } = world.sync.aurora
  const apart = Math.floor(count / planted)
  let isOver = false
  let written = 0
  const write = async (): Promise<void> => {
    let behind: string[] = []
    for (let n = 0; !isOver; n++) {
      const ids = [3, 11, 17].map((step) => ((n * step) % count) + 1).filter((id) => (id - 1) % apart !== 0)
      for (const id of ids)
        await legacy.query('UPDATE cheftable SET cheflast = ? WHERE id = ?', [`written ${n}`, id])
      await fills.carry(entity, [...new Set(behind)])
      behind = ids.map(String)
      written += ids.length
    }
    await fills.carry(entity, [...new Set(behind)])
    await legacy.query('DELETE FROM backsync_changes')
  }
  const ended = write()
  // It fails when it is stopped; nothing else may end the process.
  ended.catch(() => undefined)
  return {
    stop: async (): Promise<number> => {
      isOver = true
      await ended
      return written
    },
  }
}
