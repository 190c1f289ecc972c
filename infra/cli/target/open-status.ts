import { join } from 'node:path'
import { ChangeLog } from '../../../functions/bridge/aurora/change-log.ts'
import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import { countOwners } from '../../../functions/bridge/aurora/owner-counts.ts'
import { readOwners } from '../../../functions/bridge/aurora/owners.ts'
import { triggerStates } from '../../../functions/bridge/aurora/triggers/trigger-state.ts'
import { openCloudWatch } from '../../../functions/bridge/drivers/cloudwatch/read-metrics.ts'
import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import { differing, lastVerification } from '../../../functions/bridge/jobs/verifications.ts'
import { readMigrations } from '../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../functions/bridge/migrations/ledgers.ts'
import { reportMigrations } from '../../../functions/bridge/migrations/report.ts'
import { keptIn } from '../../../functions/bridge/model/retired.ts'
import { isOver } from '../../../functions/bridge/model/route.ts'
import { DynamoRoutes } from '../../../functions/bridge/routes/dynamo-routes.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { readJobs } from '../../../functions/bridge/status/read-jobs.ts'
import { readLateness } from '../../../functions/bridge/status/read-lateness.ts'
import type { StatusSources } from '../../../functions/bridge/status/read-status.ts'
import { entities } from '../../../functions/entities/index.ts'
import { projections } from '../../../functions/tables/index.ts'
import { CliError } from '../conventions/errors.ts'
import { CHECKOUT } from './checkout.ts'
import { openJobs } from './open-jobs.ts'
import { openParking } from './open-parking.ts'
import { openUndelivered } from './open-undelivered.ts'
import { outputOf, type Target } from './target.ts'

/** Heads of what is parked that are looked at, of one name; batches that are listed. Who has more knows enough. */
const MOST_PARKED = 2_000
const MOST_BATCHES = 5_000

/** Where the figures of a stack's status come from. What is opened is kept: a status may be asked for again and again. */
export const openStatus = (target: Target): StatusSources => {
  const once = <T>(open: () => T): (() => T) => {
    let opened: { readonly it: T } | undefined
    return () => {
      opened ??= { it: open() }
      return opened.it
    }
  }
  // Each call is bounded by itself, and each figure by who asks for it.
  const deadline = new Deadline()
  const db = once(() =>
    openDatabase(
      {
        CLUSTER_ARN: outputOf(target, 'ClusterArn'),
        SECRET_ARN: outputOf(target, 'SecretArn'),
        DATABASE_NAME: outputOf(target, 'DatabaseName'),
      },
      deadline,
    ),
  )
  const parking = once(() => openParking(target))
  const undelivered = once(() => openUndelivered(target))
  const jobs = once(() => openJobs(target, openDynamo()))
  const cloudWatch = once(() => {
    // The SDK would ask AWS instead, with credentials of nobody's.
    if (target.name === 'local' && process.env.AWS_ENDPOINT_URL_CLOUDWATCH === undefined)
      throw new CliError({
        code: 'target.incomplete',
        message:
          'the stack was started by another version, which measures nothing for others: start it again',
      })
    return openCloudWatch()
  })
  const routes = once(
    () => new DynamoRoutes({ client: openDynamo(), table: outputOf(target, 'RoutesTableName'), deadline }),
  )
  const followers = [target.outputs.BackSyncFunctionName, target.outputs.TableSyncFunctionName]
  return {
    // Of what is retired there is nothing left to look at.
    entities: keptIn(entities),
    tables: projections.map(({ name }) => name),
    ownersKnown: async () => readOwners(db()),
    ownerCounts: async (entity) => countOwners(db(), entity),
    parked: async (name) => parking().summaryOf(name, MOST_PARKED),
    log: async () => new ChangeLog(db()).depths(),
    triggers: async (of) => triggerStates(db(), of),
    undelivered: async () => undelivered().summary(MOST_BATCHES),
    migrations: async () =>
      reportMigrations(
        {
          bridge: readMigrations(join(CHECKOUT, 'sql', 'bridge')),
          team: readMigrations(join(CHECKOUT, 'sql')),
        },
        new MigrationLedgers(db()),
      ),
    jobs: async () => readJobs(jobs(), Date.now()),
    lastVerification: async (entity) => {
      const last = await lastVerification(entity, jobs())
      if (last === undefined) return undefined
      const { at, complete, rows, differences } = last
      return { at, complete, rows, differences: differing(differences) }
    },
    // A stack of an earlier release has no routes.
    routeOf:
      target.outputs.RoutesTableName === undefined
        ? undefined
        : async ({ name }) => {
            const { route, revision } = await routes().read(name)
            const { stage, percent } = route
            return revision === 0
              ? undefined
              : {
                  name: stage,
                  ...(stage === 'live' && { percentage: percent }),
                  ...(stage === 'complete' && { settled: isOver(route) }),
                }
          },
    lateness: async () =>
      readLateness(
        cloudWatch(),
        {
          entities: entities.map(({ name }) => name),
          functions: followers.filter((name) => name !== undefined),
        },
        { now: new Date(), deadline },
      ),
  }
}
