import { type AttributeValue, paginateScan } from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2/promise'
import { DynamoParking } from '../../../functions/bridge/parking/dynamo-parking.ts'
import { conflictSlots } from '../../../functions/bridge/ports/conflict-slots.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { MovedGround } from './ground.ts'
import { type MovedEntity, movedNames } from './moved.ts'

/** What a store holds of a key. */
export type Held = { readonly value: string; readonly version: number; readonly owner: 'aurora' | 'dynamo' }
/** A key with what both stores hold of it. */
export type Both = {
  readonly name: string
  readonly entity: MovedEntity
  readonly key: string
  readonly item: Held | undefined
  readonly row: Held | undefined
}

const KEYS = { chef: 'chefId', plate: 'plateKey' } as const
const VALUES = { chef: 'lastName', plate: 'title' } as const
const QUERIES = {
  chef: `SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, cheflast AS value,
    CAST(backsync_version AS CHAR) AS version, backsync_owner AS owner FROM cheftable`,
  plate: `SELECT code AS k, title AS value, CAST(backsync_version AS CHAR) AS version, backsync_owner AS owner FROM plates`,
} as const

/** Reads all keys of both stores, by SQL and items of its own. */
export const readBoth = async (ground: MovedGround): Promise<readonly Both[]> => {
  const sql = await ground.sql()
  try {
    const all: Both[] = []
    for (const entity of movedNames) {
      const items = await readItems(ground, entity)
      const [found] = await sql.query<RowDataPacket[]>(QUERIES[entity])
      const rows = new Map(found.map((row) => [String(row.k), heldOf(row)]))
      for (const key of new Set([...items.keys(), ...rows.keys()]))
        all.push({ name: `${entity} ${key}`, entity, key, item: items.get(key), row: rows.get(key) })
    }
    return all
  } finally {
    await sql.end()
  }
}

const heldOf = ({ value, version, owner }: RowDataPacket): Held => ({
  value: String(value),
  version: Number(version),
  owner: owner === 'dynamo' ? 'dynamo' : 'aurora',
})

const readItems = async (
  { dynamodb, tables }: MovedGround,
  entity: MovedEntity,
): Promise<ReadonlyMap<string, Held>> => {
  const held = new Map<string, Held>()
  const pages = paginateScan({ client: dynamodb }, { TableName: tables[entity], ConsistentRead: true })
  for await (const { Items = [] } of pages)
    for (const item of Items)
      if (item.backsync_deleted === undefined) held.set(item[KEYS[entity]]?.S ?? '', itemOf(entity, item))
  return held
}

const itemOf = (entity: MovedEntity, item: Record<string, AttributeValue>): Held => ({
  value: item[VALUES[entity]]?.S ?? '',
  version: Number(item.version?.N ?? 0),
  owner: item.backsync_owner?.S === 'aurora' ? 'aurora' : 'dynamo',
})

/** What differs of a key; undefined: nothing does. */
export const differenceOf = ({ name, item, row }: Both): string | undefined => {
  const isSame = item?.value === row?.value && item?.version === row?.version && item?.owner === row?.owner
  return isSame ? undefined : `${name}: item ${JSON.stringify(item)}, row ${JSON.stringify(row)}`
}

/** Rows that wait to be carried over. */
export const readLogged = async (ground: MovedGround): Promise<number> => {
  const sql = await ground.sql()
  try {
    const [[row]] = await sql.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM backsync_changes')
    return Number(row?.n ?? 0)
  } finally {
    await sql.end()
  }
}

/** Whether a key is parked, in conflict, or waits in either direction. */
export const listsOf = ({ dynamodb, tables }: MovedGround) => {
  const parking = new DynamoParking({ client: dynamodb, table: tables.parking, deadline: new Deadline() })
  return async ({ entity, key }: Pick<Both, 'entity' | 'key'>): Promise<boolean> => {
    for (const name of [entity, `${entity}.conflicts`, `${entity}.mirror`])
      if ((await parking.parkedAmong(name, [key, ...conflictSlots(key)])).size > 0) return true
    return false
  }
}
