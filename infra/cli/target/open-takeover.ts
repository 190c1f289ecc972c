import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import type { TakeoverParts } from '../../../functions/bridge/cutover/takeover.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'
import { openJobs } from './open-jobs.ts'
import { openParking } from './open-parking.ts'
import { tablesOf } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to take the records of entities over. */
export const openTakeover = ({
  target,
  io,
  debug,
}: Pick<Context, 'target' | 'io' | 'debug'>): TakeoverParts => {
  // A command may take as long as it needs; each of its calls is bounded by itself.
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const client = openDynamo()
  return {
    db: openAurora(aurora, deadline).db,
    client,
    tables: tablesOf(
      target,
      entities.map(({ item }) => item.table),
    ),
    parking: openParking(target),
    jobs: openJobs(target, client),
    database: `${aurora.CLUSTER_ARN} ${aurora.DATABASE_NAME}`,
    deadline,
    log: stderrLog(io, debug),
  }
}
