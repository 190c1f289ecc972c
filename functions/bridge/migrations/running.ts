import { type Kysely, sql } from 'kysely'
import * as z from 'zod'
import { SqlError } from '../drivers/sql-errors.ts'

/** A connection that keeps a statement from going on. */
export type Blocker = {
  readonly id: number
  readonly account: string | null
  /** For how long it has been in its transaction, or in what it does, in seconds. */
  readonly seconds: number
  /** Whether the server says that it holds the table; else its transaction is open, and was before the statement came. */
  readonly isCertain: boolean
}

/** A statement of ours that the server is running. */
export type RunningStatement = {
  readonly connection: number
  readonly seconds: number
  /** What the server says that it does: `altering table`, `Waiting for table metadata lock`. */
  readonly state: string
  /** How far it is, where the server tells: `stage 1 of 2, 37.5 %`. */
  readonly progress: string | undefined
  /** Who is waited for; none where it waits for nobody, or nobody knows. */
  readonly blockers: readonly Blocker[]
}

const number = z
  .union([z.number(), z.bigint(), z.string(), z.null()])
  .transform((value) => Number(value ?? 0))
/** MariaDB tells of progress beside the rest. */
const processRow = z.object({
  id: number,
  seconds: number,
  state: z.string().nullable(),
  stage: number.optional(),
  stages: number.optional(),
  progress: number.optional(),
})
const blockerRow = z.object({ id: number, account: z.string().nullable(), seconds: number })
const stageRow = z.object({ name: z.string(), done: number, all: number })

/** @throws what the list of statements does; what else can't be read is as if it were not there */
export const findRunning = async (
  db: Kysely<unknown>,
  mark: string,
  isMariaDb: boolean,
): Promise<RunningStatement | undefined> => {
  // A user sees its own statements there, without a right of its own.
  const { rows } = await sql`
    SELECT ID AS id, TIME AS seconds, STATE AS state
      ${isMariaDb ? sql`, STAGE AS stage, MAX_STAGE AS stages, PROGRESS AS progress` : sql``}
    FROM information_schema.processlist
    WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND LOCATE(${mark}, INFO) > 0
    ORDER BY TIME DESC LIMIT 1`.execute(db)
  const [row] = z.array(processRow).parse(rows)
  if (row === undefined) return undefined
  const isWaiting = /^Waiting for .*lock/i.test(row.state ?? '')
  return {
    ...{ connection: row.id, seconds: row.seconds, state: row.state ?? '' },
    progress: isMariaDb ? progressOf(row) : await stageOf(db, row.id),
    blockers: isWaiting ? await blockersOf(db, row) : [],
  }
}

const progressOf = ({
  stage = 0,
  stages = 0,
  progress = 0,
}: z.infer<typeof processRow>): string | undefined =>
  stages === 0 ? undefined : `stage ${stage} of ${stages}, ${progress.toFixed(1)} %`

/** MySQL tells where its consumer events_stages_current is on. */
const stageOf = async (db: Kysely<unknown>, connection: number): Promise<string | undefined> => {
  const [row] = await asked(
    db,
    stageRow,
    sql`SELECT e.EVENT_NAME AS name, e.WORK_COMPLETED AS done, e.WORK_ESTIMATED AS \`all\`
      FROM performance_schema.events_stages_current AS e JOIN performance_schema.threads AS t ON t.THREAD_ID = e.THREAD_ID
      WHERE t.PROCESSLIST_ID = ${connection} AND e.WORK_ESTIMATED > 0`,
  )
  if (row === undefined) return undefined
  return `${row.name.split('/').at(-1)}, ${((100 * row.done) / row.all).toFixed(1)} %`
}

/** By the locks on the table where the server lists them; else by who has a transaction open that is older than the wait. */
const blockersOf = async (
  db: Kysely<unknown>,
  { id, seconds }: { readonly id: number; readonly seconds: number },
): Promise<readonly Blocker[]> => {
  const holding = await asked(
    db,
    blockerRow,
    sql`SELECT DISTINCT o.PROCESSLIST_ID AS id, CONCAT(o.PROCESSLIST_USER, '@', o.PROCESSLIST_HOST) AS account,
        COALESCE(TIMESTAMPDIFF(SECOND, x.trx_started, NOW()), o.PROCESSLIST_TIME) AS seconds
      FROM performance_schema.metadata_locks AS w
        JOIN performance_schema.threads AS m ON m.THREAD_ID = w.OWNER_THREAD_ID
        JOIN performance_schema.metadata_locks AS h
          ON h.OBJECT_TYPE = w.OBJECT_TYPE AND h.OBJECT_SCHEMA = w.OBJECT_SCHEMA AND h.OBJECT_NAME = w.OBJECT_NAME
        JOIN performance_schema.threads AS o ON o.THREAD_ID = h.OWNER_THREAD_ID
        LEFT JOIN information_schema.INNODB_TRX AS x ON x.trx_mysql_thread_id = o.PROCESSLIST_ID
      WHERE m.PROCESSLIST_ID = ${id} AND w.LOCK_STATUS = 'PENDING' AND w.OBJECT_TYPE = 'TABLE'
        AND h.LOCK_STATUS = 'GRANTED' AND h.OWNER_THREAD_ID <> w.OWNER_THREAD_ID`,
  )
  if (holding.length > 0) return holding.map((one) => ({ ...one, isCertain: true }))
  const open = await asked(
    db,
    blockerRow,
    sql`SELECT x.trx_mysql_thread_id AS id, CONCAT(p.USER, '@', p.HOST) AS account,
        TIMESTAMPDIFF(SECOND, x.trx_started, NOW()) AS seconds
      FROM information_schema.INNODB_TRX AS x LEFT JOIN information_schema.PROCESSLIST AS p ON p.ID = x.trx_mysql_thread_id
      WHERE x.trx_mysql_thread_id NOT IN (${id}, CONNECTION_ID())
        AND TIMESTAMPDIFF(SECOND, x.trx_started, NOW()) >= ${seconds}
      ORDER BY x.trx_started LIMIT 5`,
  )
  return open.map((one) => ({ ...one, isCertain: false }))
}

/** What the account may not see, or the server doesn't keep, is as if it were not there. */
const asked = async <T>(
  db: Kysely<unknown>,
  row: z.ZodType<T>,
  query: ReturnType<typeof sql>,
): Promise<readonly T[]> => {
  try {
    return z.array(row).parse((await query.execute(db)).rows)
  } catch (error) {
    if (error instanceof SqlError || error instanceof z.ZodError) return []
    throw error
  }
}

/** In words: what it does, how far it is, and whom to end where it waits. */
export const describeRunning = ({ seconds, state, progress, blockers }: RunningStatement): string => {
  if (!/^Waiting for .*lock/i.test(state))
    return `running for ${seconds} s${progress === undefined ? '' : `: ${progress}`}`
  const whom = blockers.map(
    ({ id, account, seconds: since, isCertain }) =>
      `connection ${id} of ${account ?? 'nobody known'}${isCertain ? '' : ' (or another: its transaction is open)'}, for ${since} s`,
  )
  const [first] = blockers
  const type =
    first === undefined
      ? 'end the transactions that are open on the table'
      : `end that transaction where it was begun, or type KILL ${first.id}; (of RDS and Aurora: CALL mysql.rds_kill(${first.id});)`
  return (
    `waits for the table for ${seconds} s, and everybody behind it does: it is held by ` +
    `${whom.length === 0 ? 'whom the server does not tell' : whom.join('; ')}. To let it through, ${type}`
  )
}
