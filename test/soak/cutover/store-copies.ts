import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Owner } from '../../../functions/bridge/model/owner.ts'
import type { MovedGround } from './ground.ts'
import { movedNames } from './moved.ts'

/** What is restored of Aurora: rows, what is known of those that are gone, or are to be carried over, and how far that came. */
const TABLES = ['cheftable', 'plates', 'backsync_tombstones', 'backsync_changes', 'backsync_marks'] as const
const KEYS = { chef: 'chefId', plate: 'plateKey' } as const

type Item = Record<string, AttributeValue>

/**
 * Keeps what a store holds at this moment, while nobody writes it.
 *
 * @returns brings it back to that, whatever has been written since
 */
export const keepStore = (side: Owner, ground: MovedGround): Promise<() => Promise<void>> =>
  side === 'aurora' ? keepRows(ground) : keepItems(ground)

const keepItems = async (ground: MovedGround): Promise<() => Promise<void>> => {
  const { dynamodb, tables } = ground
  const kept = new Map<string, readonly Item[]>()
  for (const entity of movedNames) kept.set(entity, await itemsOf(ground, tables[entity]))
  // The tables of a stack are restored together.
  const marks = await marksIn(ground)
  return async () => {
    for (const entity of movedNames) {
      const TableName = tables[entity]
      const name = KEYS[entity]
      const before = new Set((kept.get(entity) ?? []).map((item) => item[name]?.S))
      for (const item of await itemsOf(ground, TableName))
        if (!before.has(item[name]?.S))
          await dynamodb.send(
            new DeleteItemCommand({ TableName, Key: { [name]: { S: item[name]?.S ?? '' } } }),
          )
      for (const item of kept.get(entity) ?? [])
        await dynamodb.send(new PutItemCommand({ TableName, Item: item }))
    }
    for (const item of marks) await dynamodb.send(new PutItemCommand({ TableName: tables.jobs, Item: item }))
  }
}

/** What DynamoDB was told of the mirror's marks. */
const marksIn = async (ground: MovedGround): Promise<readonly Item[]> =>
  (await itemsOf(ground, ground.tables.jobs)).filter(({ part }) => part?.S === 'marks')

/** Whether the relay has raised the marks of all entities: nothing tells of a store that it is from before that. */
export const areMarked = async (ground: MovedGround): Promise<boolean> => {
  const [marks = {}] = await marksIn(ground)
  return movedNames.every((entity) => `of:${entity}` in marks)
}

const itemsOf = async ({ dynamodb }: MovedGround, TableName: string): Promise<readonly Item[]> => {
  const all: Item[] = []
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName, ConsistentRead: true }))
    all.push(...Items)
  return all
}

type Kept = {
  readonly table: string
  readonly names: readonly string[]
  readonly rows: readonly RowDataPacket[]
}

const keepRows = async (ground: MovedGround): Promise<() => Promise<void>> => {
  const sql = await ground.sql()
  const kept: Kept[] = []
  try {
    for (const table of TABLES) kept.push(await rowsOf(sql, table))
  } finally {
    await sql.end()
  }
  return async () => {
    // What is restored is written by nobody: no trigger may see it.
    await ground.triggers('remove')
    const restoring = await ground.sql()
    try {
      // At once, for whoever looks meanwhile.
      await restoring.beginTransaction()
      for (const { table, names, rows } of kept) {
        const list = names.map((name) => `\`${name}\``).join(', ')
        const places = names.map(() => '?').join(', ')
        await restoring.query(`DELETE FROM ${table}`)
        for (const row of rows)
          await restoring.query(
            `INSERT INTO ${table} (${list}) VALUES (${places})`,
            names.map((name) => row[name]),
          )
      }
      await restoring.commit()
    } finally {
      await restoring.end()
    }
    await ground.triggers('install')
  }
}

const rowsOf = async (sql: Connection, table: string): Promise<Kept> => {
  // What is invisible is in no `*`.
  const [named] = await sql.query<RowDataPacket[]>(
    'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?',
    [table],
  )
  const names = named.map(({ name }) => String(name))
  const list = names.map((name) => `\`${name}\``).join(', ')
  const [rows] = await sql.query<RowDataPacket[]>(`SELECT ${list} FROM ${table}`)
  return { table, names, rows }
}
