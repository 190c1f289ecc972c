import type { DynamoParking } from '../../../functions/bridge/parking/dynamo-parking.ts'
import type { ParkedHead } from '../../../functions/bridge/ports/parking.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import type { Note, Tape } from '../tape.ts'
import { readItems } from './items.ts'
import { readRows, readTombstones } from './rows.ts'
import type { Row } from './snapshot.ts'

/** A key of which the two stores say different things. */
export type Difference = {
  readonly entity: SoakEntity
  readonly key: string
  /** Names of the fields that differ, or what else is wrong. */
  readonly what: readonly string[]
  readonly item: Row | undefined
  readonly row: Row | undefined
  readonly parked: ParkedHead | undefined
  readonly history: readonly Note[]
}

export type Comparison = {
  /** Keys that were compared. */
  readonly keys: number
  /** Keys that differ and are parked, with their payload, at what the item says or later. */
  readonly parked: readonly Difference[]
  /** Keys that differ, and nobody is told: what must not be. */
  readonly divergences: readonly Difference[]
}

/**
 * Compares both stores key by key and column by column: the items as a scan has them, the rows as plain SQL has them.
 *
 * @param tapes what was written; only its keys are compared where `touchedOnly` says so
 */
export const compareStores = async (
  ground: Ground,
  tapes: readonly Tape[],
  parking: DynamoParking,
  { touchedOnly = false } = {},
): Promise<Comparison> => {
  const sql = await ground.sql()
  try {
    let keys = 0
    const parked: Difference[] = []
    const divergences: Difference[] = []
    for (const { entity, history } of tapes) {
      const [items, rows, tombstones, heads] = await Promise.all([
        readItems(ground.dynamodb, ground.tables[entity].name, entity),
        readRows(sql, entity),
        readTombstones(sql, entity),
        parking.parkedOf(entity),
      ])
      const compared = new Set(
        touchedOnly ? history.keys() : [...items.keys(), ...rows.keys(), ...history.keys()],
      )
      keys += compared.size
      for (const key of compared) {
        const [item, row] = [items.get(key), rows.get(key)]
        const notes = history.get(key) ?? []
        const what = differences(item, row, tombstones.get(key), notes)
        if (what.length === 0) continue
        const head = heads.get(key)
        const difference = { entity, key, what, item, row, parked: head, history: notes }
        const excused = head !== undefined && isAsLate(head, item, notes) && (await hasPayload(parking, head))
        ;(excused ? parked : divergences).push(difference)
      }
    }
    return { keys, parked, divergences }
  } finally {
    await sql.end()
  }
}

const differences = (
  item: Row | undefined,
  row: Row | undefined,
  tombstone: bigint | undefined,
  notes: readonly Note[],
): string[] => {
  if (item === undefined && row === undefined) {
    const last = notes.at(-1)?.version
    return last !== undefined && (tombstone === undefined || tombstone < last) ? ['tombstone'] : []
  }
  if (item === undefined) return ['the row has no item']
  if (row === undefined) return ['the item has no row']
  return Object.keys(item).filter(
    // A time that no column holds is not compared.
    (name) => item[name] !== row[name] && !(name === 'updatedAt' && item[name] === null),
  )
}

/** Whether what is parked is what the item says, or later; of a broken record its place in the stream tells. */
const isAsLate = (head: ParkedHead, item: Row | undefined, notes: readonly Note[]): boolean => {
  const last = notes.at(-1)
  const wanted = item?.version === null || item === undefined ? last?.version : BigInt(item.version ?? 0)
  if (head.version !== undefined && wanted !== undefined) return head.version >= wanted
  if (head.sequenceNumber === undefined || last === undefined) return false
  return BigInt(head.sequenceNumber) >= BigInt(last.sequenceNumber)
}

/** What an operator would need to repair it by hand: the whole record, or the change. */
const hasPayload = async (parking: DynamoParking, head: ParkedHead): Promise<boolean> => {
  const entry = await parking.entryOf(head.entity, head.key)
  return entry?.payload.includes(JSON.stringify(head.key).slice(1, -1)) ?? false
}
