import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { openRelay } from '../../../functions/bridge/mirror/open.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Mirror } from '../../../functions/bridge/sync/mirror.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'
import { openParking } from './open-parking.ts'
import { openWriteBack } from './open-write-back.ts'
import { tablesOf, UNCOUNTED } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to carry over to DynamoDB what Aurora holds, as the relay does. */
export const openOutward = (context: Pick<Context, 'target' | 'io' | 'debug'>): Mirror => {
  const { target, io, debug } = context
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const { outward } = openRelay({
    ...openAurora(aurora, deadline),
    ...{ client: openDynamo(), entities, deadline, metrics: UNCOUNTED, log: stderrLog(io, debug) },
    tables: tablesOf(
      target,
      entities.map(({ item }) => item.table),
    ),
    parking: openParking(target),
    inward: () => openWriteBack(context),
    now: () => new Date(),
  })
  return outward
}
