import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { withoutLiterals } from './statement-kind.ts'

/** What a statement that changes rows may reach of which no transaction can undo anything. */
export type Untransacted = { readonly table: string; readonly engine: string }

const tableRow = z.object({ name: z.string(), engine: z.string() })
/** A body is null or empty where its reader hasn't got the right to see it. */
const programRow = z.object({ name: z.string(), body: z.string().nullable() })

/**
 * Whether a statement may change a table whose engine takes part in no transaction, by its own text or by way of views, triggers
 * and routines: what it has done there stays, whatever becomes of its record. What can't be looked into counts as if it did.
 *
 * @returns one of those tables; undefined where there is none
 */
export const findUntransacted = async (
  db: Kysely<unknown>,
  statement: string,
): Promise<Untransacted | undefined> => {
  const tables = z.array(tableRow).parse(
    (
      await sql`
      SELECT t.TABLE_NAME AS name, t.ENGINE AS engine
      FROM information_schema.TABLES AS t JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
      WHERE t.TABLE_TYPE = 'BASE TABLE' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
        AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')`.execute(db)
    ).rows,
  )
  const [first] = tables
  if (first === undefined) return undefined
  const reached = new Map(
    tables.map(({ name, engine }): [string, Untransacted] => [name.toLowerCase(), { table: name, engine }]),
  )
  let programs = z.array(programRow).parse(
    (
      await sql`
      SELECT TABLE_NAME AS name, VIEW_DEFINITION AS body FROM information_schema.VIEWS
      WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
      UNION ALL SELECT EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM information_schema.TRIGGERS
      WHERE EVENT_OBJECT_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
      UNION ALL SELECT ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES
      WHERE ROUTINE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')`.execute(db)
    ).rows,
  )
  for (let found = -1; found !== 0; ) {
    const rest: typeof programs = []
    for (const program of programs) {
      const { name, body } = program
      const by = !body ? { table: first.name, engine: first.engine } : mentioned(body, reached)
      if (by === undefined) rest.push(program)
      else reached.set(name.toLowerCase(), by)
    }
    found = programs.length - rest.length
    programs = rest
  }
  return mentioned(statement, reached)
}

/** A name as it stands in a statement, in backticks or bare. */
const NAME = /`(?:[^`]|``)+`|[\p{L}\p{N}_$]+/gu

/** The names that stand in a statement, without their backticks, and its words. */
export const namesIn = (text: string): string[] =>
  [...withoutLiterals(text).matchAll(NAME)].map(([name]) => name.replace(/^`|`$/g, '').replaceAll('``', '`'))

const mentioned = (text: string, names: ReadonlyMap<string, Untransacted>): Untransacted | undefined => {
  for (const name of namesIn(text)) {
    const known = names.get(name.toLowerCase())
    if (known !== undefined) return known
  }
  return undefined
}
