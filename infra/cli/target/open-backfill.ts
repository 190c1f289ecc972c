import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import type { BackfillParts } from '../../../functions/bridge/backfill/backfill.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { openJobs } from './open-jobs.ts'
import { openWriteBack } from './open-write-back.ts'
import { tablesOf } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to fill Aurora with an entity's items. */
export const openBackfill = (context: Pick<Context, 'target' | 'io' | 'debug'>): BackfillParts => {
  const { target } = context
  // A command may take as long as it needs; each of its calls is bounded by itself.
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const client = openDynamo()
  const mirror = openWriteBack(context)
  return {
    // What waits is counted, and listed when it is parked: a line for each would hide the progress.
    mirror: { ...mirror, log: { ...mirror.log, warn: mirror.log.info } },
    db: openDatabase(aurora, deadline),
    client,
    tables: tablesOf(
      target,
      entities.map(({ item }) => item.table),
    ),
    jobs: openJobs(target, client),
    database: `${aurora.CLUSTER_ARN} ${aurora.DATABASE_NAME}`,
    deadline,
  }
}
