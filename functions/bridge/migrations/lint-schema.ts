import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { alteredTable, plainName } from './alter-clauses.ts'
import { type Expected, expectedOf } from './expected.ts'
import type { Severity } from './lint-rules.ts'
import { neededBy, type StageOf } from './needed.ts'
import { type Removed, removedBy } from './removed.ts'
import type { ServerVersion } from './server-version.ts'
import { withoutLiterals } from './statement-kind.ts'
import { findServerVersion, findTableFacts, type SqlTableFacts } from './table-facts.ts'
import { namesIn } from './untransacted.ts'

/** What a rule has against one statement. */
export type Against = { readonly rule: string; readonly severity: Severity; readonly message: string }

/** A trigger of the schema. */
type Trigger = { readonly name: string; readonly table: string; readonly body: string }

/** The rules that ask entities and, the first one, their routes; the others ask the database. */
export const CONTRACT = 'contract'
const CASCADE = 'cascade'
export const ENTITY_RULES: readonly string[] = [CONTRACT, CASCADE]
export const SCHEMA_RULES: readonly string[] = [
  'trigger',
  'blocks-writers',
  'refused',
  'duplicates',
  'nulls',
  'duplicate-index',
]

/** Whether a statement takes away what an entity, or the stage of its route, needs still. */
export const contractAgainst = async (
  statement: string,
  entities: readonly Entity[],
  stageOf: StageOf,
): Promise<readonly Against[]> => {
  for (const removed of removedBy(statement)) {
    const message = await neededBy(removed, entities, stageOf)
    if (message !== undefined) return [{ rule: CONTRACT, severity: 'error', message }]
  }
  return []
}

/** What the server does by itself to rows that refer to others: it fires no trigger for that. */
const BY_ITSELF = /\bON (?:DELETE|UPDATE) (?:CASCADE|SET NULL)\b/i
const MADE = /^CREATE TABLE (?:IF NOT EXISTS )?(?:\S+\.)?(?<table>`(?:[^`]|``)+`|[\p{L}\p{N}_$]+)/iu

/** Whether a statement has the server change, by itself, rows of a table whose entity is mirrored. */
export const cascadeAgainst = (statement: string, entities: readonly Entity[]): readonly Against[] => {
  const bare = withoutLiterals(statement).replaceAll(/\s+/g, ' ').trim()
  const table = plainName(MADE.exec(bare)?.groups?.table ?? '') || alteredTable(statement)?.table
  if (table === undefined || !BY_ITSELF.test(bare)) return []
  const its = entities.find(
    ({ mirror, table: own, children }) =>
      mirror !== undefined &&
      [own, ...Object.values(children).map((child) => child.table)].some(
        (one) => one.toLowerCase() === table,
      ),
  )
  if (its === undefined) return []
  const message = `the server then changes rows of ${its.name} by itself, and no trigger of ${table} sees it: once it is applied, have those made that do, npx backsync mirror install ${its.name}`
  return [{ rule: CASCADE, severity: 'warning', message }]
}

const triggerRow = z.object({ name: z.string(), table: z.string(), body: z.string().nullable() })

/** Looks statements over by what the database has: what is to be known of it is asked once. Touches nothing. */
export class SchemaLint {
  readonly #db: Kysely<unknown>
  #version: ServerVersion | undefined
  #triggers: readonly Trigger[] | undefined

  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
  }

  async against(statement: string): Promise<readonly Against[]> {
    const altered = alteredTable(statement)
    const triggers = removedBy(statement).length > 0 ? await this.#allTriggers() : []
    const found = removedBy(statement).flatMap((removed) => ofTriggers(removed, triggers))
    const facts = altered && (await findTableFacts(this.#db, altered.table))
    if (altered === undefined || facts === undefined) return found
    this.#version ??= await findServerVersion(this.#db)
    const expected = expectedOf(statement, facts, this.#version)
    return [...found, ...ofWay(expected), ...altered.clauses.flatMap((clause) => ofClause(clause, facts))]
  }

  async #allTriggers(): Promise<readonly Trigger[]> {
    if (this.#triggers !== undefined) return this.#triggers
    const { rows } = await sql`
      SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS \`table\`, ACTION_STATEMENT AS body
      FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()`.execute(this.#db)
    this.#triggers = z
      .array(triggerRow)
      .parse(rows)
      .map(({ body, ...row }) => ({ ...row, body: body ?? '' }))
    return this.#triggers
  }
}

/** A trigger is made anew by nobody: each write of its table fails from then on. */
const ofTriggers = ({ table, column, how }: Removed, triggers: readonly Trigger[]): Against[] =>
  triggers.flatMap((trigger): Against[] => {
    const names = namesIn(trigger.body).map((name) => name.toLowerCase())
    const isOwn = trigger.table.toLowerCase() === table
    const isMeant =
      column === undefined
        ? !isOwn && names.includes(table)
        : names.includes(column) && (isOwn || names.includes(table))
    if (!isMeant) return []
    const what = column === undefined ? table : `${table}.${column}`
    const message = `it ${how} ${what}, which the trigger ${trigger.name} of ${trigger.table} names: each write of that table would fail; make that anew before`
    return [{ rule: 'trigger', severity: 'error', message }]
  })

const ofWay = (expected: Expected | undefined): Against[] => {
  if (expected === undefined) return []
  const { algorithm, lock, rows, seconds, table, refused } = expected
  const found: Against[] = []
  if (refused !== undefined)
    found.push({
      rule: 'refused',
      severity: 'error',
      message: `this server is expected to refuse ${refused}: it does this by ${algorithm}, LOCK=${lock}`,
    })
  if (lock !== 'NONE' && rows > 0)
    found.push({
      rule: 'blocks-writers',
      severity: 'error',
      message: `nobody writes to ${table} meanwhile: ${algorithm} of about ${rows} rows, a guess of ${Math.max(1, seconds)} s; say why that may be`,
    })
  return found
}

const ofClause = (clause: string, facts: SqlTableFacts): Against[] => {
  const text = clause.replaceAll(/\s+/g, ' ')
  if (facts.rows === 0) return []
  const index =
    /^ADD (?:CONSTRAINT (?:\S+ )?)?(?<unique>UNIQUE )?(?:INDEX|KEY)?\s*(?<name>[^\s(]*)\s*(?:USING \w+ )?\((?<columns>[^()]*(?:\(\d+\)[^()]*)*)\)/i.exec(
      text,
    )?.groups
  if (index?.columns !== undefined && /^ADD (?:CONSTRAINT (?:\S+ )?)?(?:UNIQUE|INDEX|KEY)\b/i.test(text))
    return ofIndex(index.columns, /\bUNIQUE\b/i.test(text), facts)
  const change =
    /^(?:MODIFY (?:COLUMN )?(?<same>\S+)|CHANGE (?:COLUMN )?(?<name>\S+) \S+) .*\bNOT NULL\b/i.exec(
      text,
    )?.groups
  const column = facts.columns.find(({ name }) => name === plainName(change?.same ?? change?.name ?? ''))
  if (column === undefined || !column.isNullable) return []
  const ask = `SELECT COUNT(*) FROM ${facts.table} WHERE ${column.name} IS NULL`
  return [
    {
      rule: 'nulls',
      severity: 'error',
      message: `it fails on the first row that is NULL in ${column.name}, or makes it 0 or '': look before, by ${ask}`,
    },
  ]
}

const ofIndex = (list: string, isUnique: boolean, facts: SqlTableFacts): Against[] => {
  const columns = list
    .split(',')
    .map((column) => plainName(column.trim().replace(/\s*(?:\(\d+\))?(?: (?:ASC|DESC))?$/i, '')))
  // What is added in the same statement holds nothing yet.
  if (!columns.every((column) => facts.columns.some(({ name }) => name === column))) return []
  const same = facts.indexes.find(({ columns: own }) => columns.every((column, at) => own[at] === column))
  const found: Against[] = []
  if (same !== undefined && !isUnique)
    found.push({
      rule: 'duplicate-index',
      severity: 'warning',
      message: `${facts.table} has an index that begins with these columns, ${same.name}: each write would pay for both`,
    })
  if (isUnique)
    found.push({
      rule: 'duplicates',
      severity: 'error',
      message: `it fails at its end where two rows are the same: look before, by SELECT ${columns.join(', ')}, COUNT(*) FROM ${facts.table} GROUP BY ${columns.join(', ')} HAVING COUNT(*) > 1 LIMIT 10`,
    })
  return found
}
