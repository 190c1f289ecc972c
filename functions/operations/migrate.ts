import { fileURLToPath } from 'node:url'
import { Kysely } from 'kysely'
import { toProblem } from '../bridge/api/serve.ts'
import { dataApiConfig } from '../bridge/aurora/open.ts'
import { DataApiClient } from '../bridge/drivers/data-api/client.ts'
import { DataApiDialect } from '../bridge/drivers/data-api/dialect.ts'
import { readHttpEvent } from '../bridge/http/request.ts'
import { jsonResponse, problemResponse } from '../bridge/http/response.ts'
import { readMigrations } from '../bridge/migrations/files.ts'
import { MigrationLedger } from '../bridge/migrations/ledger.ts'
import { MigrationLock } from '../bridge/migrations/lock.ts'
import { Migrator } from '../bridge/migrations/migrator.ts'
import { methodNotAllowed } from '../bridge/normalise/api.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'

const config = readConfig(settings.aurora.extend(settings.migrations.shape), process.env)
const deadline = new Deadline()
const log = new LambdaLog('migrate')
const dataApi = dataApiConfig(config, deadline)
const client = new DataApiClient(dataApi)
const db = new Kysely<unknown>({ dialect: new DataApiDialect(dataApi) })
// The deployed asset carries the repository's sql folder beside the bundle.
const migrations = readMigrations(fileURLToPath(new URL('./sql', import.meta.url)))

/**
 * The migrations: a deployment invokes this with an empty event before new code takes traffic, and applies; a client's
 * `GET /aurora` gets the report, and where the stage allows it (not in prod) applies first.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const migrator = openMigrator(context.awsRequestId)
  const request = readHttpEvent(event)
  if (request === undefined) return { applied: await migrator.apply(), migrations: await migrator.report() }
  try {
    if (request.method !== 'GET') throw methodNotAllowed(request.method, ['GET'])
    const applied = config.MIGRATE_ON_REQUEST ? await migrator.apply() : []
    return jsonResponse(200, { database: config.DATABASE_NAME, applied, migrations: await migrator.report() })
  } catch (error) {
    return problemResponse(toProblem(error, log), request.path, context.awsRequestId)
  }
}

const openMigrator = (requestId: string): Migrator =>
  new Migrator({
    migrations,
    ledger: new MigrationLedger(db),
    lock: new MigrationLock(db, requestId),
    run: async (sql) => {
      await client.execute({ sql, continueAfterTimeout: true })
    },
    log,
    by: `function, request ${requestId}`,
  })
