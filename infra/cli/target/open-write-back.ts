import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Mirror } from '../../../functions/bridge/sync/mirror.ts'
import { openSync } from '../../../functions/bridge/sync/open.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'
import { openCallingOf } from './open-calling.ts'
import { tablesOf, UNCOUNTED } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to write changes to Aurora as the stream function does. */
export const openWriteBack = ({ target, io, debug }: Pick<Context, 'target' | 'io' | 'debug'>): Mirror => {
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const config = {
    TABLES: tablesOf(
      target,
      entities.map(({ item }) => item.table),
    ),
    PARKING_TABLE: outputOf(target, 'ParkingTableName'),
  }
  const log = stderrLog(io, debug)
  const open = openSync(config, {
    ...openAurora(aurora, deadline, openCallingOf(target, { deadline, log })),
    entities,
    deadline,
    metrics: UNCOUNTED,
    log,
    now: () => new Date(),
  })
  return open()
}
