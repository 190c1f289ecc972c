import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely } from 'kysely'
import { DataApiDialect } from '../drivers/data-api/dialect.ts'
import type { EntityWriter } from '../ports/entity-writer.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { withoutLog } from '../runtime/without-log.ts'
import { AuroraStore } from './aurora-store.ts'
import { GuardedWriter } from './guarded-writer.ts'

export type AuroraConfig = {
  readonly CLUSTER_ARN: string
  readonly SECRET_ARN: string
  readonly DATABASE_NAME: string
}

/** Aurora over the Data API, for who needs no more of it. */
export const openDatabase = (config: AuroraConfig, deadline: Deadline): Kysely<unknown> =>
  new Kysely<unknown>({ dialect: new DataApiDialect(dataApiConfig(config, deadline)) })

/**
 * The parts with which a function works on Aurora, over the Data API.
 *
 * @param calling makes what writes entities whose writes a function makes. @default none: it only reads them
 */
export const openAurora = (
  config: AuroraConfig,
  deadline: Deadline,
  calling?: (db: Kysely<unknown>) => EntityWriter | undefined,
): { readonly db: Kysely<unknown>; readonly writer: GuardedWriter; readonly store: AuroraStore } => {
  const db = openDatabase(config, deadline)
  const writer = new GuardedWriter(db, deadline, { calling: calling?.(db) })
  return { db, writer, store: new AuroraStore(db, writer) }
}

export const dataApiConfig = (config: AuroraConfig, deadline: Deadline) => ({
  // Repeats are the dialect's own.
  client: withoutLog(new RDSDataClient({ maxAttempts: 1, requestHandler: { connectionTimeout: 3_000 } })),
  resourceArn: config.CLUSTER_ARN,
  secretArn: config.SECRET_ARN,
  database: config.DATABASE_NAME,
  deadline,
})
