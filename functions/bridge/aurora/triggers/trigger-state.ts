import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { idempotently } from '../../drivers/data-api/idempotent.ts'
import type { Entity } from '../../model/entity.ts'
import { BridgeError } from '../../model/errors.ts'
import { Catalogue } from '../catalogue.ts'
import { TRIGGER_PREFIX } from './names.ts'
import { type Trigger, triggersOf } from './trigger-set.ts'

/**
 * How a trigger is: `there`, as it ought to be; `missing`; `changed`, other than the definition makes it, or on another table; or
 * `needless`, where nothing asks for it any more.
 */
export type TriggerState = {
  readonly entity: string
  readonly name: string
  readonly table: string
  readonly state: 'there' | 'missing' | 'changed' | 'needless'
  readonly why?: string
  /** The table that it is on now. */
  readonly on?: string
}

/** How the triggers of an entity are. */
export type EntityTriggers = {
  readonly entity: Entity
  readonly wanted: readonly Trigger[]
  readonly states: readonly TriggerState[]
  /** Why it can't be told which there ought to be. */
  readonly fault?: string
}

const triggerRow = z.object({
  name: z.string(),
  tab: z.string(),
  timing: z.string(),
  event: z.string(),
  body: z.string().nullable(),
  definer: z.string(),
})
type Found = z.infer<typeof triggerRow>

/** How the triggers of entities are, and those which are there though an entity isn't mirrored. */
export const triggerStates = async (
  db: Kysely<unknown>,
  entities: readonly Entity[],
): Promise<readonly EntityTriggers[]> => {
  const repeatable = idempotently(db)
  const found = await readTriggers(repeatable)
  const accounts = await readAccounts(repeatable)
  const catalogue = new Catalogue(db)
  const all: EntityTriggers[] = []
  for (const entity of entities) {
    const set = entity.mirror === undefined ? { wanted: [] } : await wantedOf(entity, catalogue)
    const states = set.wanted.map((one) => stateOf(entity, one, found, accounts))
    const needless = set.fault === undefined ? needlessOf(entity, set.wanted, found) : []
    all.push({ entity, ...set, states: [...states, ...needless] })
  }
  return all
}

const wantedOf = async (
  entity: Entity,
  catalogue: Catalogue,
): Promise<Pick<EntityTriggers, 'wanted' | 'fault'>> => {
  try {
    return { wanted: await triggersOf(entity, catalogue) }
  } catch (error) {
    if (!(error instanceof BridgeError) || error.kind !== 'configuration') throw error
    return { wanted: [], fault: error.message }
  }
}

const readTriggers = async (db: Kysely<unknown>): Promise<readonly Found[]> => {
  const { rows } = await sql`
    SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS tab, ACTION_TIMING AS timing, EVENT_MANIPULATION AS event,
      ACTION_STATEMENT AS body, DEFINER AS definer
    FROM information_schema.TRIGGERS
    WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE ${`${TRIGGER_PREFIX.replaceAll('_', '\\_')}%`}`.execute(
    db,
  )
  return z.array(triggerRow).parse(rows)
}

/** The accounts that this one may see: its own only, where it may not see the others. */
const readAccounts = async (db: Kysely<unknown>): Promise<ReadonlySet<string>> => {
  const { rows } = await sql<{ readonly account: string }>`
    SELECT DISTINCT GRANTEE AS account FROM information_schema.USER_PRIVILEGES`.execute(db)
  return new Set(rows.map(({ account }) => account.replaceAll("'", '')))
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

const stateOf = (
  { name: entity }: Entity,
  { name, table, when, body }: Trigger,
  found: readonly Found[],
  accounts: ReadonlySet<string>,
): TriggerState => {
  const own = { entity, name, table }
  const one = found.find((other) => same(other.name, name))
  if (one === undefined) return { ...own, state: 'missing' }
  const changed = (why: string): TriggerState => ({ ...own, state: 'changed', why, on: one.tab })
  if (!same(one.tab, table)) return changed(`it is on ${one.tab}`)
  if (`${one.timing} ${one.event}` !== when) return changed(`it runs ${one.timing} ${one.event}`)
  if (!one.body) return changed('this account may not see what it does')
  if (squeezed(one.body) !== squeezed(body)) return changed('it does something else')
  if (accounts.size > 1 && !accounts.has(one.definer))
    return changed(`its account ${one.definer} is gone, so that every write of the table fails`)
  return { ...own, state: 'there', on: one.tab }
}

/** Triggers of an entity that nothing asks for: of what its definition, or the schema, has said before. */
const needlessOf = (
  entity: Entity,
  wanted: readonly Trigger[],
  found: readonly Found[],
): readonly TriggerState[] =>
  found
    .filter(({ name }) => name.toLowerCase().startsWith(`${TRIGGER_PREFIX}${entity.name}_`.toLowerCase()))
    .filter(({ name }) => !wanted.some((one) => same(one.name, name)))
    .map(({ name, tab }) => ({ entity: entity.name, name, table: tab, state: 'needless', on: tab }))

/** Which triggers an entity's tables lack, or have in another form, by their names; what is wrong with all of them comes in words. */
export const missingTriggersOf = async (db: Kysely<unknown>, entity: Entity): Promise<readonly string[]> =>
  (await triggerStates(db, [entity])).flatMap(({ states, fault }) => [
    ...(fault === undefined ? [] : [fault]),
    ...states.filter(({ state }) => state === 'missing' || state === 'changed').map(({ name }) => name),
  ])

/** Of mirrored entities those of which something that plain SQL writes is not seen, or not refused. */
export const unseenEntities = async (
  db: Kysely<unknown>,
  entities: readonly Entity[],
): Promise<readonly string[]> => {
  const all = await triggerStates(db, entities)
  return all
    .filter(({ states, fault }) => fault !== undefined || states.some(({ state }) => state !== 'there'))
    .map(({ entity }) => entity.name)
}
