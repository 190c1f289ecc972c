import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { dataApiConfig, openDatabase } from '../../../functions/bridge/aurora/open.ts'
import { recordNewcomers, requireRecordColumns } from '../../../functions/bridge/aurora/owners.ts'
import { DataApiClient } from '../../../functions/bridge/drivers/data-api/client.ts'
import { LambdaInvoker, openLambda } from '../../../functions/bridge/drivers/lambda/invoker.ts'
import { statementRunner } from '../../../functions/bridge/drivers/lambda/statement-runner.ts'
import { readMigrations } from '../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../../functions/bridge/migrations/lock.ts'
import { Migrator, type MigratorParts } from '../../../functions/bridge/migrations/migrator.ts'
import { requireServerSettings } from '../../../functions/bridge/migrations/server-settings.ts'
import { keptIn } from '../../../functions/bridge/model/retired.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { CHECKOUT, MIGRATIONS } from './checkout.ts'
import { stderrLog } from './log.ts'
import { openDirectDatabase } from './open-direct.ts'
import { outputOf } from './target.ts'
import { whoami } from './whoami.ts'

/** Longer than a lease, in milliseconds: whoever died with the lock in hand has lost it by then. */
const PATIENCE = 150_000

export type MigratorOptions = Pick<MigratorParts, 'onWait' | 'onStatement' | 'onRunning' | 'online'> & {
  /** The team's migrations. @default the folder sql of this checkout */
  readonly folder?: string | undefined
  /** The database itself. */
  readonly direct?: URL | undefined
}

/** What a function in the database's network may take for a statement, in milliseconds. */
const RUNNER_LIMIT = 910_000

/** The migrator of a stack, as the function of its migrations has it: the same code, ledgers and lock. */
export const openMigrator = (
  context: Pick<Context, 'target' | 'io' | 'debug' | 'interrupt'>,
  { folder = MIGRATIONS, direct, ...told }: MigratorOptions = {},
): { readonly migrator: Migrator; readonly hasDirect: boolean; close(): Promise<void> } => {
  const { target, io, debug, interrupt } = context
  const deadline = new Deadline()
  const config = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const db = openDatabase(config, deadline)
  const client = new DataApiClient(dataApiConfig(config, deadline))
  const runner = target.outputs.StatementRunnerName
  // Whoever names the database, or runs it here, needs no function for that.
  const connection = openDirectDatabase(target, direct)
  const lambda = connection === undefined && runner !== undefined ? openLambda() : undefined
  const byRunner =
    lambda === undefined || runner === undefined
      ? undefined
      : statementRunner(new LambdaInvoker(() => lambda, deadline), runner, () => RUNNER_LIMIT)
  // Of what is retired no column has to be there.
  const kept = keptIn(entities)
  const migrator = new Migrator({
    bridge: readMigrations(join(CHECKOUT, 'sql', 'bridge')),
    team: readMigrations(folder),
    ledgers: new MigrationLedgers(db),
    lock: new MigrationLock(db, `${whoami()} (${randomUUID().slice(0, 8)})`),
    requireSettings: () => requireServerSettings(db),
    beforeTeam: () => recordNewcomers(db, kept),
    requireSchema: () => requireRecordColumns(db, kept),
    run: async (text) => {
      await client.execute({ sql: text, continueAfterTimeout: true })
    },
    runDirect: connection ? async (text) => void (await sql.raw(text).execute(connection.db)) : byRunner,
    ...{ deadline, log: stderrLog(io, debug), by: whoami(), patience: PATIENCE, signal: interrupt },
    ...told,
  })
  const close = async (): Promise<void> => {
    lambda?.destroy()
    await connection?.close()
  }
  return { migrator, hasDirect: connection !== undefined || byRunner !== undefined, close }
}
