import { AuroraRecords } from '../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../functions/bridge/aurora/aurora-sink.ts'
import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import type { KeyStores } from '../../../functions/bridge/compare/key-report.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { DynamoRecords } from '../../../functions/bridge/dynamo/dynamo-records.ts'
import { getItem } from '../../../functions/bridge/dynamo/get-item.ts'
import type { Entity } from '../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../functions/bridge/model/owner.ts'
import type { DecidedRecords } from '../../../functions/bridge/ports/key-records.ts'
import type { Parking } from '../../../functions/bridge/ports/parking.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Log } from '../../../functions/bridge/runtime/log.ts'
import { entities } from '../../../functions/entities/index.ts'
import { openCallingOf } from './open-calling.ts'
import { openParking } from './open-parking.ts'
import { tablesOf } from './settings.ts'
import { outputOf, type Target } from './target.ts'

/** What a call of a function says is in the command's own answer. */
const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** How long both stores may take together, in milliseconds: a paused cluster takes up to half of it to resume. */
const LIMIT = 60_000

/** Both stores of a stack, to be asked about keys of one entity, and to move them. */
export const openKeyStores = (
  target: Target,
  { item }: Entity,
): KeyStores & {
  readonly sides: Readonly<Record<Owner, DecidedRecords>>
  readonly parking: Parking
} => {
  const deadline = new Deadline()
  deadline.within(LIMIT)
  const aurora = openAurora(
    {
      CLUSTER_ARN: outputOf(target, 'ClusterArn'),
      SECRET_ARN: outputOf(target, 'SecretArn'),
      DATABASE_NAME: outputOf(target, 'DatabaseName'),
    },
    deadline,
    openCallingOf(target, { deadline, log: SILENT }),
  )
  const { db, store, writer } = aurora
  const parts = { client: openDynamo(), tables: tablesOf(target, [item.table]), deadline }
  const items = new DynamoRecords(parts)
  return {
    aurora: store,
    dynamo: {
      get: (entity, key) => getItem(parts, entity, key),
      authority: (entity, key) => items.authority(entity, key),
    },
    parking: openParking(target),
    sides: {
      aurora: new AuroraRecords({
        db,
        store,
        sink: new AuroraSink(entities, aurora),
        catalogue: writer.catalogue,
      }),
      dynamo: items,
    },
  }
}
