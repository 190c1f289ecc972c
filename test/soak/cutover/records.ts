import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { Kysely } from 'kysely'
import { AuroraRecords } from '../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../functions/bridge/aurora/guarded-writer.ts'
import { DataApiDialect } from '../../../functions/bridge/drivers/data-api/dialect.ts'
import { DynamoRecords } from '../../../functions/bridge/dynamo/dynamo-records.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../functions/bridge/runtime/tables.ts'
import { LOCAL_CREDENTIALS } from '../../../infra/local/lambda/variables.ts'
import { REGION } from '../../../infra/local/template/pseudo.ts'
import type { MovedGround } from './ground.ts'
import { MOVED } from './moved.ts'

/** What both stores say of keys, as the product reads it. @returns what ends its connections, too */
export const openRecords = ({ stack, dynamodb, tables }: MovedGround) => {
  const deadline = new Deadline()
  const [cluster] = stack.clusters
  const client = new RDSDataClient({
    ...{ endpoint: stack.endpoints.rdsData, region: REGION, credentials: LOCAL_CREDENTIALS, maxAttempts: 1 },
  })
  const db = new Kysely<unknown>({
    dialect: new DataApiDialect({
      ...{ client, resourceArn: cluster?.resourceArn ?? '', secretArn: cluster?.secretArn ?? '' },
      ...{ database: String(stack.outputs.DatabaseName), deadline },
    }),
  })
  const writer = new GuardedWriter(db, deadline)
  const store = new AuroraStore(db, writer)
  return {
    aurora: new AuroraRecords({
      ...{ db, store, catalogue: writer.catalogue },
      sink: new AuroraSink(Object.values(MOVED), { writer, store }),
    }),
    dynamo: new DynamoRecords({
      ...{ client: dynamodb, deadline },
      tables: new Tables({ chef: tables.chef, plate: tables.plate }),
    }),
    close: (): void => client.destroy(),
  }
}
