import type { ForeignKey } from '../catalogue.ts'

/* The ways on which foreign keys lead from a row of one table to rows of another. */

/** What becomes of a row at the end of a way. */
export type CascadeWay = { readonly keys: readonly ForeignKey[]; readonly effect: 'delete' | 'upsert' }

export const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

export const isRound = (key: ForeignKey): boolean => same(key.table, key.to)

/** All ways by which the delete of a row of one table reaches rows of another: rounds within a table are gone where it is reached. */
export const waysOf = (from: string, to: string, all: readonly ForeignKey[]): readonly CascadeWay[] => {
  const ways: CascadeWay[] = []
  const go = (table: string, before: readonly ForeignKey[]): void => {
    for (const key of all) {
      if (!same(key.to, table) || before.includes(key)) continue
      const keys = [...before, key]
      if (key.onDelete === 'SET NULL' && same(key.table, to)) ways.push({ keys, effect: 'upsert' })
      if (key.onDelete !== 'CASCADE' || (isRound(key) && before.length > 0)) continue
      if (same(key.table, to)) ways.push({ keys, effect: 'delete' })
      go(key.table, keys)
    }
  }
  go(from, [])
  return ways
}

/** A way by which a changed key changes what refers to it: which of the end's columns, in lower case, by which of the beginning's. */
export type MovedWay = { readonly keys: readonly ForeignKey[]; readonly from: ReadonlyMap<string, string> }

/** All ways by which a changed key of one table's row changes rows of another. */
export const movedWaysOf = (from: string, to: string, all: readonly ForeignKey[]): readonly MovedWay[] => {
  const ways: MovedWay[] = []
  const go = (table: string, before: readonly ForeignKey[], moved?: ReadonlyMap<string, string>): void => {
    for (const key of all) {
      const isFollowed = key.onUpdate === 'CASCADE' || key.onUpdate === 'SET NULL'
      if (!isFollowed || !same(key.to, table) || before.includes(key)) continue
      const own = key.columns.flatMap(({ column, to: name }): [string, string][] => {
        const source = moved === undefined ? name : moved.get(name.toLowerCase())
        return source === undefined ? [] : [[column.toLowerCase(), source]]
      })
      if (own.length === 0) continue
      const way = { keys: [...before, key], from: new Map(own) }
      if (same(key.table, to)) ways.push(way)
      go(key.table, way.keys, way.from)
    }
  }
  go(from, [])
  return ways
}
