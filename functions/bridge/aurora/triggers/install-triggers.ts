import { type Kysely, sql } from 'kysely'
import { isLockWait } from '../../drivers/sql-errors.ts'
import type { Entity } from '../../model/entity.ts'
import { ConfigurationError } from '../../model/errors.ts'
import { OwnersUnknownError } from '../../ports/claim-errors.ts'
import { Deadline } from '../../runtime/deadline.ts'
import { retry } from '../../runtime/retry.ts'
import { readOwners } from '../owners.ts'
import { quoted } from '../part-sql.ts'
import { tableHolders } from './table-holders.ts'
import { explainedRefusal, notMirrored, TableHeldError } from './trigger-errors.ts'
import { createTrigger } from './trigger-set.ts'
import { type EntityTriggers, type TriggerState, triggerStates } from './trigger-state.ts'

/** What is done to one table, in one go: nobody writes it in between. */
export type TableStep = {
  readonly entity: string
  /** The tables that are locked meanwhile: where a trigger is on another one, that too. */
  readonly tables: readonly string[]
  readonly statements: readonly string[]
  /** The triggers that it makes, and those that it takes away. */
  readonly makes: readonly string[]
  readonly drops: readonly string[]
}

/** A plan that is shown is the one that is carried out. */
export type TriggerPlan = { readonly steps: readonly TableStep[] }

/** Seconds for which a table is waited for: whoever comes later waits behind us. */
const LOCK_WAIT = 2
/** How often it is tried, and the pauses between, in milliseconds. */
const TRIES = { attempts: 8, firstPause: 500, longestPause: 4_000 }

/**
 * What makes the triggers of entities as they ought to be: those that are missing or changed are made, what is needless goes.
 *
 * @throws OwnersUnknownError for an entity whose rows don't say yet whose their keys are
 * @throws ConfigurationError for one that is not mirrored, or can't be
 */
export const planInstall = async (db: Kysely<unknown>, entities: readonly Entity[]): Promise<TriggerPlan> => {
  const others = entities.filter(({ mirror }) => mirror === undefined)
  if (others.length > 0) throw notMirrored(others.map(({ name }) => name))
  const owners = await readOwners(db)
  const unknown = entities.find(({ name }) => !owners.has(name))
  if (unknown !== undefined) throw new OwnersUnknownError(unknown)
  const all = await triggerStates(db, entities)
  const faults = all.flatMap(({ fault }) => fault ?? [])
  if (faults.length > 0) throw new ConfigurationError(faults)
  return { steps: all.flatMap(stepsOf) }
}

/** What takes the triggers of entities away, whether they are as they ought to be or not. */
export const planRemoval = async (db: Kysely<unknown>, entities: readonly Entity[]): Promise<TriggerPlan> => {
  const all = await triggerStates(db, entities)
  return {
    steps: all.flatMap(({ entity, states }) =>
      stepsOf({
        entity,
        wanted: [],
        states: states.filter(({ on }) => on !== undefined).map((one) => ({ ...one, state: 'needless' })),
      }),
    ),
  }
}

const stepsOf = ({ entity, wanted, states }: EntityTriggers): TableStep[] =>
  [...Map.groupBy(states, ({ table }) => table)].flatMap(([table, own]) => {
    const open = own.filter(({ state }) => state !== 'there')
    if (open.length === 0) return []
    const drops = open.filter(({ on }) => on !== undefined)
    const makes = open
      .filter(({ state }) => state !== 'needless')
      .flatMap(({ name }) => wanted.find((one) => one.name === name) ?? [])
    const tables = [
      ...new Set([...(makes.length > 0 ? [table] : []), ...drops.flatMap(({ on = table }) => on)]),
    ]
    return [
      {
        entity: entity.name,
        tables,
        statements: [...drops.map(({ name }) => `DROP TRIGGER ${quoted(name)}`), ...makes.map(createTrigger)],
        makes: makes.map(({ name }) => name),
        drops: drops.map(({ name }: TriggerState) => name),
      },
    ]
  })

/**
 * The whole of a plan as statements for a client: with the lock under which no write is lost or told twice. A client has to
 * be told where one ends.
 */
export const planAsSql = ({ steps }: TriggerPlan): string => {
  if (steps.length === 0) return ''
  const done = steps.flatMap(({ tables, statements }) => [lockTables(tables), ...statements, 'UNLOCK TABLES'])
  return [
    'DELIMITER $$',
    `SET SESSION lock_wait_timeout = ${LOCK_WAIT} $$`,
    ...done.map((one) => `${one} $$`),
    'DELIMITER ;',
    '',
  ].join('\n')
}

const lockTables = (tables: readonly string[]): string =>
  `LOCK TABLES ${tables.map((table) => `${quoted(table)} WRITE`).join(', ')}`

/**
 * Carries a plan out, table by table.
 *
 * @param db the direct connection: the Data API can't make triggers
 * @throws TriggersRefusedError with what mends it
 * @throws TableHeldError where others hold a table for longer than it is waited for; what is before it in the plan is done
 */
export const carryOutTriggers = async (
  db: Kysely<unknown>,
  { steps }: TriggerPlan,
  {
    onStep,
    tries = TRIES,
  }: { readonly onStep?: (step: TableStep) => void; readonly tries?: typeof TRIES } = {},
): Promise<void> => {
  for (const step of steps) {
    try {
      await retry({ ...tries, retryable: isLockWait, deadline: new Deadline() }, () => carryOutStep(db, step))
    } catch (error) {
      if (!isLockWait(error)) throw explainedRefusal(error, step.tables)
      const [table = ''] = step.tables
      throw new TableHeldError(table, await tableHolders(db, table), { cause: error })
    }
    onStep?.(step)
  }
}

const carryOutStep = (db: Kysely<unknown>, { tables, statements }: TableStep): Promise<void> =>
  db.connection().execute(async (session) => {
    const run = (text: string) => sql.raw(text).execute(session)
    await run(`SET SESSION lock_wait_timeout = ${LOCK_WAIT}`)
    await run(lockTables(tables))
    try {
      for (const statement of statements) await run(statement)
    } finally {
      await run('UNLOCK TABLES')
    }
  })
