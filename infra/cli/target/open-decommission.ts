import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import type { DecommissionParts } from '../../../functions/bridge/cutover/decommission.ts'
import { readMigrations } from '../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../functions/bridge/migrations/ledgers.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import { projections } from '../../../functions/tables/index.ts'
import type { Context } from '../conventions/command.ts'
import { openRoutes } from './open-cutover.ts'
import { openParking } from './open-parking.ts'
import { openUndelivered } from './open-undelivered.ts'
import { outputOf } from './target.ts'

/** More batches than that are as many. */
const ENOUGH = 1_000

/**
 * What a command needs to look at what is left of an entity in Aurora.
 *
 * @param folder the team's migrations
 */
export const openDecommission = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
  folder: string,
): DecommissionParts => {
  const { target } = context
  const db = openDatabase(
    {
      CLUSTER_ARN: outputOf(target, 'ClusterArn'),
      SECRET_ARN: outputOf(target, 'SecretArn'),
      DATABASE_NAME: outputOf(target, 'DatabaseName'),
    },
    new Deadline(),
  )
  return {
    ...{ db, entities },
    routes: openRoutes(context),
    parking: openParking(target),
    keptTables: projections.map(({ name, from }) => ({ name, source: from.name })),
    undelivered: () => openUndelivered(target).count(ENOUGH),
    nextMigration: async () => {
      const { team } = await new MigrationLedgers(db).read()
      return Math.max(0, ...readMigrations(folder).map(({ id }) => id), ...team.map(({ id }) => id)) + 1
    },
  }
}
