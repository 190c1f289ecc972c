import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely } from 'kysely'
import { AuroraSink } from '../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../functions/bridge/aurora/guarded-writer.ts'
import { DataApiDialect } from '../../functions/bridge/drivers/data-api/dialect.ts'
import { EntitySource } from '../../functions/bridge/dynamo/entity-source.ts'
import { DynamoParking } from '../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../functions/bridge/runtime/tables.ts'
import { retryParked } from '../../functions/bridge/sync/retry-parked.ts'
import { LOCAL_CREDENTIALS } from '../../infra/local/lambda/variables.ts'
import { REGION } from '../../infra/local/template/pseudo.ts'
import { chef } from '../fixtures/entities/chef.ts'
import { recipe } from '../fixtures/entities/recipe.ts'
import { silent } from '../support/log.ts'
import type { Ground } from './ground.ts'

export const openParking = (ground: Ground): DynamoParking =>
  new DynamoParking({ client: ground.dynamodb, table: ground.parkingTable, deadline: new Deadline() })

/** The stack's database over its Data API. @returns what ends its connections, too */
export const openDataApi = ({ stack }: Ground, deadline: Deadline) => {
  const [cluster] = stack.clusters
  const client = new RDSDataClient({
    endpoint: stack.endpoints.rdsData,
    region: REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  })
  const db = new Kysely<unknown>({
    dialect: new DataApiDialect({
      client,
      resourceArn: cluster?.resourceArn ?? '',
      secretArn: cluster?.secretArn ?? '',
      database: String(stack.outputs.DatabaseName),
      deadline,
    }),
  })
  return { db, close: () => client.destroy() }
}

/** Tries everything that is parked once more, as `backsync parked retry` does. @returns how many were tried */
export const retryAllParked = async (ground: Ground, parking: DynamoParking): Promise<number> => {
  const { tables } = ground
  const deadline = new Deadline()
  const { db, close } = openDataApi(ground, deadline)
  try {
    const writer = new GuardedWriter(db, deadline)
    const store = new AuroraStore(db, writer)
    const entities = [chef, recipe]
    const names = { chef: tables.chef.name, recipe: tables.recipe.name }
    const parts = {
      sink: new AuroraSink(entities, { writer, store }),
      source: new EntitySource({
        client: ground.dynamodb,
        entities,
        tables: new Tables(names),
        deadline,
        holds: async (entity, key) => (await store.get(entity, key)) !== undefined,
      }),
      parking,
      deadline,
      metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
      log: silent,
      now: () => new Date(),
    }
    let tried = 0
    for (const name of parts.sink.names) {
      const heads = [...(await parking.parkedOf(name)).values()]
      tried += heads.length
      await retryParked(parts, name, heads)
    }
    return tried
  } finally {
    close()
  }
}
