import { fileURLToPath } from 'node:url'
import { Kysely } from 'kysely'
import * as z from 'zod'
import { toProblem } from '../bridge/api/serve.ts'
import { dataApiConfig } from '../bridge/aurora/open.ts'
import { recordNewcomers, requireRecordColumns } from '../bridge/aurora/owners.ts'
import { DataApiClient } from '../bridge/drivers/data-api/client.ts'
import { DataApiDialect } from '../bridge/drivers/data-api/dialect.ts'
import { notFound } from '../bridge/http/problem.ts'
import { readHttpEvent } from '../bridge/http/request.ts'
import { jsonResponse, problemResponse } from '../bridge/http/response.ts'
import { readMigrations } from '../bridge/migrations/files.ts'
import { MigrationLedgers } from '../bridge/migrations/ledgers.ts'
import { MigrationLock } from '../bridge/migrations/lock.ts'
import { Migrator } from '../bridge/migrations/migrator.ts'
import { openRunner } from '../bridge/migrations/open-runner.ts'
import { patienceOf } from '../bridge/migrations/patience.ts'
import type { OfBoth } from '../bridge/migrations/report.ts'
import { requireServerSettings } from '../bridge/migrations/server-settings.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { methodNotAllowed } from '../bridge/normalise/api.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { entities as all } from '../entities/index.ts'

// Of what is retired no column has to be there.
const entities = keptIn(all)
const config = readConfig(settings.aurora.extend(settings.migrations.shape), process.env)
const deadline = new Deadline()
const log = new LambdaLog('migrate')
const dataApi = dataApiConfig(config, deadline)
const client = new DataApiClient(dataApi)
const db = new Kysely<unknown>({ dialect: new DataApiDialect(dataApi) })
const runDirect = openRunner({ runner: config.RUNNER_FUNCTION, deadline })
// The deployed asset carries the repository's sql folder beside the bundle.
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const team = readMigrations(folder('./sql'))
const bridge = readMigrations(folder('./sql/bridge'))

/** Asks what would be applied; the template says so to whoever runs it on a database that isn't its own. */
const Plan = z.strictObject({ plan: z.literal(true) })

/** What somebody has found out about a statement whose outcome nobody knew; the error that asked for it has the words. */
const RepairEvent = z.strictObject({
  repair: z.strictObject({
    migration: z.string(),
    statement: z.int().min(1),
    outcome: z.enum(['done', 'not-done']),
    why: z.string().max(1_000).optional(),
  }),
})

/**
 * The migrations: a deployment invokes this with an empty event before new code takes traffic, and applies; a client's
 * `GET /aurora` gets the report, and where the stage allows it (not in prod) applies first. `{ "plan": true }` is answered
 * with what would be changed, in words; `{ "repair": … }` records what became of a statement.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const request = readHttpEvent(event)
  const patience = patienceOf(request === undefined ? 'deployment' : 'request', deadline)
  const migrator = openMigrator(context.awsRequestId, patience)
  if (Plan.safeParse(event).success) return { changes: await migrator.plan() }
  const repair = RepairEvent.safeParse(event)
  if (repair.success) {
    await migrator.repair(repair.data.repair)
    return reportOf(migrator, { bridge: [], team: [] })
  }
  if (request === undefined) return reportOf(migrator, await migrator.apply())
  try {
    if (request.segments.at(-1) !== 'aurora') throw notFound('There is nothing at this path.')
    if (request.method !== 'GET') throw methodNotAllowed(request.method, ['GET'])
    const applied = config.MIGRATE_ON_REQUEST ? await migrator.apply() : { bridge: [], team: [] }
    return jsonResponse(200, { database: config.DATABASE_NAME, ...(await reportOf(migrator, applied)) })
  } catch (error) {
    return problemResponse(toProblem(error, log), request.path, context.awsRequestId)
  }
}

/** The team's migrations, and Backsync's own under `bridge`. */
const reportOf = async (migrator: Migrator, applied: OfBoth<string>): Promise<Record<string, unknown>> => {
  const states = await migrator.report()
  return {
    applied: applied.team,
    migrations: states.team,
    bridge: { applied: applied.bridge, migrations: states.bridge },
  }
}

const openMigrator = (requestId: string, patience: number): Migrator =>
  new Migrator({
    bridge,
    team,
    ledgers: new MigrationLedgers(db),
    lock: new MigrationLock(db, requestId),
    requireSettings: () => requireServerSettings(db),
    beforeTeam: () => recordNewcomers(db, entities),
    requireSchema: () => requireRecordColumns(db, entities),
    run: async (sql) => {
      await client.execute({ sql, continueAfterTimeout: true })
    },
    runDirect,
    deadline,
    log,
    by: `function, request ${requestId}`,
    patience,
    onWait: (holder) => log.info('another run of the migrations is waited for', { holder }),
  })
