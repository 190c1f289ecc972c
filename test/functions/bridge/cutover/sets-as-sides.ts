import type { ClaimSides } from '../../../../functions/bridge/cutover/claim.ts'
import type { SetSides } from '../../../../functions/bridge/cutover/claim-set.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'

/** Sides of which each step is tried by the calls for many keys first, with the one key, and done by itself only where these leave it. */
export const setsAsSides = (sets: SetSides, sides: ClaimSides): ClaimSides => {
  const of = (name: Owner): KeyRecords => {
    const [set, side] = [sets[name], sides[name]]
    return {
      side: name,
      read: (...asked) => side.read(...asked),
      restore: (...asked) => side.restore(...asked),
      release: async (entity, key, to, as) => {
        const known = (await set.read(entity, [key])).get(key)
        const done = known && (await set.release(entity, [{ record: known, as }], to))
        return done?.get(key) ?? side.release(entity, key, to, as)
      },
      take: async (entity, last, to) =>
        (await set.take(entity, [last], to)).has(last.key)
          ? side.read(entity, last.key)
          : side.take(entity, last, to),
    }
  }
  return { aurora: of('aurora'), dynamo: of('dynamo') }
}
