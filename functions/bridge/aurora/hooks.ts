import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { SqlError, undoesTransaction } from '../drivers/sql-errors.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, DeadlineError, kindOf } from '../model/errors.ts'
import { HOOK_TIMEOUT } from '../model/hooks.ts'
import type { Owner } from '../model/owner.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { HookFailedError, type HookName, HookTimeoutError, TransactionEndedError } from './hook-errors.ts'
import { RECORDS } from './record-names.ts'
import type { Step } from './step.ts'

/*
 * How the code of an entity's author is run: in time, with its errors classed, and so that it is noticed when it ends the
 * transaction that it was lent.
 *
 * The Data API takes no savepoints, and MySQL tells nobody whether a transaction is open. So a witness is written in it before the
 * hook: a COMMIT, or a statement that commits by itself, shows it to others; after a ROLLBACK it isn't there any more. Neither
 * depends on whether another transaction has begun by then, nor on the isolation.
 */

/** Under this name witnesses stand among the records: no entity has it. */
const NOBODY = '!'
/** Kept back of an invocation's time, in ms: for the ROLLBACK of a transaction whose hook is given up. */
const ROLLBACK_TIME = 1_500
/** What a hook may take longer for each change that it gets at once, in ms. */
const EACH = 20
/** So many times a hook that doesn't end is given up within an invocation, at least: to be found among others, and alone. */
const SHARES = 3
/** With less time than this for each, in ms, nothing can be said of a hook, and what is left is the invocation's. */
const SHORTEST_SHARE = 500

/** How long a hook may take, in ms, over changes of the stream; undefined: as long as the invocation has time. */
const limitOf = ({ write }: Entity, { changes, by }: HookChanges, deadline: Deadline): number | undefined => {
  // A client waits for its own write alone.
  if (by === 'aurora') return undefined
  const whole = (write?.timeout ?? HOOK_TIMEOUT) * 1_000 + EACH * changes.length
  const share = (deadline.remaining() - ROLLBACK_TIME) / SHARES
  return share < SHORTEST_SHARE ? undefined : Math.min(whole, share)
}

/** The changes that a hook gets, and whose writes they are. */
export type HookChanges = { readonly changes: readonly unknown[]; readonly by: Owner }

/**
 * Runs a hook in a transaction.
 *
 * @throws HookFailedError, TransactionEndedError; what the database said to it; for one that doesn't end HookTimeoutError or,
 *   where that is the invocation's time, DeadlineError
 */
export const runHook = async <T>(
  { db, outside, deadline }: Step,
  entity: Entity,
  name: HookName,
  of: HookChanges,
  hook: (transaction: Kysely<unknown>) => Promise<T>,
): Promise<T> => {
  const witness = randomUUID()
  const records = sql.table(RECORDS)
  const itself = sql`entity = ${NOBODY} AND entity_key = ${witness}`
  const wasCommitted = async (): Promise<boolean> => {
    const { rows } = await sql`SELECT entity FROM ${records} WHERE ${itself}`.execute(outside)
    if (rows.length > 0) await sql`DELETE FROM ${records} WHERE ${itself}`.execute(outside)
    return rows.length > 0
  }
  await sql`INSERT INTO ${records} (entity, entity_key) VALUES (${NOBODY}, ${witness})`.execute(db)
  let made: T
  try {
    made = await inTime(deadline, entity, name, () => hook(db), limitOf(entity, of, deadline))
  } catch (cause) {
    // Where the deadline is over nothing can be asked any more.
    if (!(cause instanceof DeadlineError) && (await wasCommitted().catch(() => false)))
      throw new TransactionEndedError(entity, name, { cause })
    if (!(cause instanceof HookFailedError)) throw cause
    // What it has made of a deadlock that has undone all says nothing: the driver knows.
    const undone: unknown = await sql`SELECT 1`.execute(db).catch((error: unknown) => error)
    throw undoesTransaction(undone) ? undone : cause
  }
  if (await wasCommitted()) throw new TransactionEndedError(entity, name)
  // A deadlock that the hook has kept to itself is said here: the driver sends nothing more in such a transaction.
  const { numAffectedRows } = await sql`DELETE FROM ${records} WHERE ${itself}`.execute(db)
  if (numAffectedRows !== 1n) throw new TransactionEndedError(entity, name, { isUndone: true })
  return made
}

/**
 * Runs code of an entity's author as long as there is time.
 *
 * @param limit in milliseconds; absent: the deadline's own time
 * @throws HookFailedError; what the database said to it; DeadlineError; HookTimeoutError behind the limit
 */
export const inTime = async <T>(
  deadline: Deadline,
  entity: Entity,
  name: HookName,
  code: () => Promise<T>,
  limit?: number,
): Promise<T> => {
  deadline.require(ROLLBACK_TIME, name)
  const left = limit ?? deadline.remaining() - ROLLBACK_TIME
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    if (left === Number.POSITIVE_INFINITY) return
    timer = setTimeout(
      () =>
        reject(
          limit === undefined
            ? new DeadlineError(`${name} of ${entity.name} has not ended in time`)
            : new HookTimeoutError(entity, name, limit),
        ),
      left,
    )
  })
  try {
    // Whatever becomes of code that was given up.
    return await Promise.race([started(code), late])
  } catch (error) {
    throw isClassed(error) ? error : new HookFailedError(entity, name, error)
  } finally {
    clearTimeout(timer)
  }
}

/** Also of code that throws before it returns a promise. */
const started = async <T>(code: () => Promise<T>): Promise<T> => await code()

/** Whether an error says itself what it means for the change. */
const isClassed = (error: unknown): boolean => {
  const kind = kindOf(error)
  if (error instanceof SqlError) return true
  return error instanceof BridgeError && (kind === 'data' || kind === 'dependency' || kind === 'transient')
}
