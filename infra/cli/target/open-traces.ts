import { ChangeLog } from '../../../functions/bridge/aurora/change-log.ts'
import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import type { TraceSources } from '../../../functions/bridge/compare/key-traces.ts'
import { entityReaders } from '../../../functions/bridge/dynamo/entity-reader.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { undeliveredOfKey } from '../../../functions/bridge/undelivered/of-key.ts'
import { entities } from '../../../functions/entities/index.ts'
import { openParking } from './open-parking.ts'
import { openUndelivered } from './open-undelivered.ts'
import { tablesOf } from './settings.ts'
import { outputOf, type Target } from './target.ts'

/** What a command needs to find what a key has left beside its records. */
export const openTraces = (target: Target): TraceSources => ({
  waiting: (entity, key, most) =>
    new ChangeLog(
      openDatabase(
        {
          CLUSTER_ARN: outputOf(target, 'ClusterArn'),
          SECRET_ARN: outputOf(target, 'SecretArn'),
          DATABASE_NAME: outputOf(target, 'DatabaseName'),
        },
        new Deadline(),
      ),
    ).ofKey(entity, key, most),
  undelivered: (entity, key) => {
    const { names } = tablesOf(
      target,
      entities.map(({ item }) => item.table),
    )
    return undeliveredOfKey(
      { entity, key },
      { undelivered: openUndelivered(target), index: entityReaders(entities, names) },
    )
  },
  resolved: (entity, key) => openParking(target).resolvedOf(entity, key),
})
