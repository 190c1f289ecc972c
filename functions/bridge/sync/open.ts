import type { Kysely } from 'kysely'
import { AuroraSink } from '../aurora/aurora-sink.ts'
import type { AuroraStore } from '../aurora/aurora-store.ts'
import { ChangeLog } from '../aurora/change-log.ts'
import type { GuardedWriter } from '../aurora/guarded-writer.ts'
import { recordLift } from '../aurora/lifts.ts'
import { openDynamo } from '../drivers/dynamo/client.ts'
import { EntitySource } from '../dynamo/entity-source.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError } from '../model/errors.ts'
import { DynamoParking } from '../parking/dynamo-parking.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from './mirror.ts'

export type SyncConfig = {
  /** Table names in DynamoDB by their names in this project. */
  readonly TABLES?: Tables | undefined
  readonly PARKING_TABLE?: string | undefined
}

type Given = Omit<Mirror, 'parking' | 'sink' | 'source'> & {
  readonly entities: readonly Entity[]
  readonly writer: GuardedWriter
  readonly store: AuroraStore
  readonly db?: Kysely<unknown>
}

/**
 * The parts with which a function writes a stream's changes back. They are made at the first call, since the function
 * that serves the API from the same code has neither the tables nor the right to use them.
 *
 * @returns a function that throws ConfigurationError when a setting is missing
 */
export const openSync = (
  { TABLES, PARKING_TABLE }: SyncConfig,
  { entities, writer, store, db, ...parts }: Given,
): (() => Mirror) => {
  let opened: Mirror | undefined
  return () => {
    if (opened !== undefined) return opened
    if (TABLES === undefined || PARKING_TABLE === undefined)
      throw new ConfigurationError(['TABLES and PARKING_TABLE are needed to write a stream back'])
    const client = openDynamo()
    const { deadline } = parts
    opened = {
      ...parts,
      sink: new AuroraSink(entities, { writer, store }),
      source: new EntitySource({
        client,
        entities,
        tables: TABLES,
        deadline,
        holds: async (entity, key) => (await store.head(entity, key)) !== undefined,
        ...(db && { lifted: (entity) => recordLift(db, entity) }),
      }),
      ...(db && { reclaim: reclaimOf(db, entities) }),
      parking: new DynamoParking({ client, table: PARKING_TABLE, deadline }),
    }
    return opened
  }
}

/** Of entities that are mirrored what Aurora holds comes again, by the log. */
const reclaimOf = (db: Kysely<unknown>, entities: readonly Entity[]): NonNullable<Mirror['reclaim']> => {
  const log = new ChangeLog(db)
  const mirrored = new Set(entities.filter(({ mirror }) => mirror !== undefined).map(({ name }) => name))
  return async (entity, keys) => (mirrored.has(entity) ? log.append(entity, keys) : undefined)
}
