import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import { missingTriggersOf } from '../../../functions/bridge/aurora/triggers/trigger-state.ts'
import type { BackfillParts } from '../../../functions/bridge/backfill/backfill-plan.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { openRelay } from '../../../functions/bridge/mirror/open.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { openMarks } from '../../../functions/bridge/sync/open-marks.ts'
import type { StoreMarks } from '../../../functions/bridge/sync/store-marks.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { openJobs } from './open-jobs.ts'
import { openWriteBack } from './open-write-back.ts'
import { tablesOf } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to fill either store with the other one's records of an entity. */
export const openBackfill = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
): BackfillParts & {
  /** How long the oldest write of Aurora's has waited for the relay, in milliseconds. */
  readonly lag: () => Promise<number>
  readonly marks: StoreMarks
} => {
  const { target } = context
  // A command may take as long as it needs; each of its calls is bounded by itself.
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const client = openDynamo()
  const back = openWriteBack(context)
  // What waits is counted, and listed when it is parked: a line for each would hide the progress.
  const mirror = { ...back, log: { ...back.log, warn: back.log.info } }
  const { db, writer } = openAurora(aurora, deadline)
  const tables = tablesOf(
    target,
    entities.map(({ item }) => item.table),
  )
  const { source, outward, changes } = openRelay({
    ...{ db, writer, client, tables, entities, deadline },
    ...{ parking: mirror.parking, metrics: mirror.metrics, log: mirror.log, now: mirror.now },
    inward: () => mirror,
    pages: true,
  })
  return {
    mirror,
    forward: {
      source,
      mirror: { ...outward, reclaim: (entity, keys) => changes.append(entity, keys) },
    },
    lag: async () => (await changes.depth()).oldest,
    missingTriggers: (entity) => missingTriggersOf(db, entity),
    db,
    client,
    tables,
    jobs: openJobs(target, client),
    marks: openMarks({ db, client, table: outputOf(target, 'JobsTableName'), deadline }),
    database: `${aurora.CLUSTER_ARN} ${aurora.DATABASE_NAME}`,
    deadline,
  }
}
