import type { Connection, RowDataPacket } from 'mysql2/promise'

/** A connection to the server, and what it does. */
export type Process = {
  readonly id: number
  readonly user: string
  readonly database: string | null
  readonly command: string
  /** The statement that it runs. */
  readonly statement: string
}

/**
 * Lists the server's connections but the one that asks. By SHOW: `information_schema.processlist` fails on MySQL (errno 3854) for as
 * long as anybody runs a statement with a character of four bytes.
 */
export const processes = async (sql: Pick<Connection, 'query'>): Promise<Process[]> => {
  const [rows] = await sql.query<RowDataPacket[]>('SHOW FULL PROCESSLIST')
  return rows.flatMap(({ Id, User, db, Command, Info }) => {
    const statement = String(Info ?? '')
    return /SHOW FULL PROCESSLIST/.test(statement)
      ? []
      : [{ id: Number(Id), user: String(User), database: db, command: String(Command), statement }]
  })
}
