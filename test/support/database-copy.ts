import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'

/** A database as statements that make another one like it, of tables and their rows. */
export type DatabaseCopy = readonly string[]

const UNKNOWN = `
  SELECT 'view' AS kind, table_name AS name FROM information_schema.views WHERE table_schema = DATABASE()
  UNION ALL SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()
  UNION ALL SELECT 'routine', routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
  UNION ALL SELECT 'event', event_name FROM information_schema.events WHERE event_schema = DATABASE()`

const COLUMNS = `
  SELECT table_name AS name, column_name AS col FROM information_schema.columns
  WHERE table_schema = DATABASE() AND COALESCE(generation_expression, '') = ''
  ORDER BY table_name, ordinal_position`

/**
 * Reads the database that a connection uses: a handful of tables with few rows.
 *
 * @param connection gives dates and large numbers as text
 * @throws Error when there is in it what isn't copied
 */
export const copyDatabase = async (connection: Connection): Promise<DatabaseCopy> => {
  const [unknown] = await connection.query<RowDataPacket[]>(UNKNOWN)
  if (unknown.length > 0)
    throw new Error(`not copied: ${unknown.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`)
  const [found] = await connection.query<RowDataPacket[]>(COLUMNS)
  const columns = Map.groupBy(found, ({ name }) => String(name))
  const statements: string[] = []
  for (const [table, named] of columns) {
    const [[made]] = await connection.query<RowDataPacket[]>('SHOW CREATE TABLE ??', [table])
    statements.push(String(made?.['Create Table']))
    // By their names: invisible ones are no part of `*`.
    const names = named.map(({ col }) => mysql.escapeId(String(col))).join(', ')
    const from = mysql.escapeId(table)
    const [rows] = await connection.query<RowDataPacket[][]>({
      sql: `SELECT ${names} FROM ${from}`,
      rowsAsArray: true,
    })
    if (rows.length > 0) statements.push(mysql.format(`INSERT INTO ${from} (${names}) VALUES ?`, [rows]))
  }
  return statements
}

/** Makes in an empty database what the other one had. */
export const pasteDatabase = async (connection: Connection, copy: DatabaseCopy): Promise<void> => {
  // A table may come before the one that it refers to.
  await connection.query('SET foreign_key_checks = 0')
  for (const statement of copy) await connection.query(statement)
  await connection.query('SET foreign_key_checks = 1')
}
