import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { AuroraRecords } from '../aurora/aurora-records.ts'
import { AuroraSink } from '../aurora/aurora-sink.ts'
import type { AuroraStore } from '../aurora/aurora-store.ts'
import type { GuardedWriter } from '../aurora/guarded-writer.ts'
import { readHeldRecord } from '../aurora/held-record.ts'
import { DynamoRecords } from '../dynamo/dynamo-records.ts'
import { DynamoStore } from '../dynamo/dynamo-store.ts'
import type { Entity } from '../model/entity.ts'
import { kindOf } from '../model/errors.ts'
import { DynamoParking } from '../parking/dynamo-parking.ts'
import { StaleClaimError } from '../ports/claim-errors.ts'
import { DynamoRoutes } from '../routes/dynamo-routes.ts'
import { RouteCache } from '../routes/route-cache.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { Tables } from '../runtime/tables.ts'
import { Facade } from './facade.ts'
import { claimListed } from './listed-claim.ts'
import { withRetired } from './retired-routes.ts'

type Given = {
  readonly entities: readonly Entity[]
  readonly db: Kysely<unknown>
  readonly store: AuroraStore
  readonly writer: GuardedWriter
  readonly client: DynamoDBClient
  readonly tables: Tables
  /** Where first answers of repeatable creates are kept, what is set aside, and where routes stand. */
  readonly idempotencyTable: string
  readonly parkingTable: string
  readonly routesTable: string
  readonly deadline: Deadline
  readonly log: Log
  readonly metrics: Pick<Metrics, 'count'>
}

/** The facade over a stack's two stores. */
export const openFacade = (given: Given): Facade => {
  const { entities, db, store, writer, client, tables, deadline, log, metrics } = given
  const items = new DynamoRecords({ client, tables, deadline })
  const sink = new AuroraSink(entities, { writer, store })
  const sides = {
    aurora: new AuroraRecords({ db, store, sink, catalogue: writer.catalogue }),
    dynamo: items,
  }
  const parking = new DynamoParking({ client, table: given.parkingTable, deadline })
  const routes = new DynamoRoutes({ client, table: given.routesTable, deadline })
  return new Facade({
    stores: {
      aurora: store,
      dynamo: new DynamoStore({ client, tables, idempotencyTable: given.idempotencyTable, deadline, log }),
    },
    read: {
      aurora: (entity, key) => readHeldRecord(entity, key, { db, store }),
      dynamo: (entity, key) => items.read(entity, key),
    },
    keyOfId: async (entity, id) => (await store.head(entity, id))?.key,
    claim: async (entity, key, to, epoch, seen) => {
      try {
        const how = { parking, seen, ...(epoch !== undefined && { epoch }) }
        return await claimListed(entity, key, to, sides, how)
      } catch (error) {
        if (isUnmovable(error)) metrics.count('MovesRefused', entity.name, 1)
        throw error
      }
    },
    routes: withRetired(entities, new RouteCache({ routes, log, metrics })),
  })
}

/** What no repeat would mend: the key stays where it is. */
const isUnmovable = (error: unknown): boolean =>
  !(error instanceof StaleClaimError) && ['data', 'dependency', 'client'].includes(kindOf(error))
