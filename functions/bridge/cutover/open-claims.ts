import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { AuroraKeySets } from '../aurora/aurora-key-sets.ts'
import { AuroraRecords } from '../aurora/aurora-records.ts'
import { AuroraSink } from '../aurora/aurora-sink.ts'
import type { AuroraStore } from '../aurora/aurora-store.ts'
import type { GuardedWriter } from '../aurora/guarded-writer.ts'
import { DynamoKeySets } from '../dynamo/dynamo-key-sets.ts'
import { DynamoRecords } from '../dynamo/dynamo-records.ts'
import type { Entity } from '../model/entity.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Claimed } from './claim.ts'
import { claimListed, claimSetListed } from './listed-claim.ts'
import type { SweepParts } from './sweep.ts'

type Given = {
  readonly entities: readonly Entity[]
  readonly db: Kysely<unknown>
  readonly store: AuroraStore
  readonly writer: GuardedWriter
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly parking: Parameters<typeof claimListed>[4]['parking']
  readonly deadline: Deadline
}

/** Claims of one key and of many, over a stack's two stores; what can't be moved is listed. */
export const openClaims = ({ entities, db, store, writer, client, tables, parking, deadline }: Given) => {
  const sink = new AuroraSink(entities, { writer, store })
  const { catalogue } = writer
  const sides = {
    aurora: new AuroraRecords({ db, store, sink, catalogue }),
    dynamo: new DynamoRecords({ client, tables, deadline }),
  }
  const sets = {
    aurora: new AuroraKeySets({ db, sink, catalogue, deadline }),
    dynamo: new DynamoKeySets({ client, tables, deadline }),
  }
  const claim = (entity: Entity, key: string, to: Owner, epoch: Epoch | undefined): Promise<Claimed> =>
    claimListed(entity, key, to, sides, { parking, ...(epoch !== undefined && { epoch }) })
  const claimSet: SweepParts['claimSet'] = (entity, keys, owner, epoch) =>
    claimSetListed(entity, keys, { owner, epoch }, { sets, sides, parking })
  return { sides, claim, claimSet }
}
