import { uuidv7 } from 'uuidv7'
import { readHeldRecord } from '../../../functions/bridge/aurora/held-record.ts'
import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import { isFilledFromAurora } from '../../../functions/bridge/backfill/backfill-plan.ts'
import type { CanaryParts } from '../../../functions/bridge/cutover/canary.ts'
import type { MoveParts } from '../../../functions/bridge/cutover/move-route.ts'
import { openClaims } from '../../../functions/bridge/cutover/open-claims.ts'
import { countKeys, readFigures } from '../../../functions/bridge/cutover/read-figures.ts'
import type { Readers } from '../../../functions/bridge/cutover/readers.ts'
import type { RecoverParts } from '../../../functions/bridge/cutover/recover.ts'
import type { SweepParts } from '../../../functions/bridge/cutover/sweep.ts'
import { DynamoStore } from '../../../functions/bridge/dynamo/dynamo-store.ts'
import { lastVerification } from '../../../functions/bridge/jobs/verifications.ts'
import { MigrationLedgers } from '../../../functions/bridge/migrations/ledgers.ts'
import { interruptedIn } from '../../../functions/bridge/migrations/state.ts'
import type { Entity } from '../../../functions/bridge/model/entity.ts'
import { DynamoRoutes } from '../../../functions/bridge/routes/dynamo-routes.ts'
import type { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { CliError } from '../conventions/errors.ts'
import { stderrLog } from './log.ts'
import { openBackfill } from './open-backfill.ts'
import { openCallingOf } from './open-calling.ts'
import { openParking } from './open-parking.ts'
import { openUndelivered } from './open-undelivered.ts'
import { outputOf } from './target.ts'

type Given = Pick<Context, 'target' | 'io' | 'debug'>

/** More batches than that are as many. */
const ENOUGH = 1_000

/** What commands need to move routes, to sweep their keys, to prove the way, and to recover after a restore. */
export const openCutover = (
  context: Given,
): {
  readonly move: MoveParts
  readonly sweep: SweepParts
  readonly canary: CanaryParts
  readonly recover: RecoverParts
} => {
  const { target, io, debug } = context
  const { client, tables, jobs, database, deadline, lag, missingTriggers, marks } = openBackfill(context)
  const log = stderrLog(io, debug)
  const aurora = openAurora(
    {
      CLUSTER_ARN: outputOf(target, 'ClusterArn'),
      SECRET_ARN: outputOf(target, 'SecretArn'),
      DATABASE_NAME: outputOf(target, 'DatabaseName'),
    },
    deadline,
    openCallingOf(target, { deadline, log }),
  )
  const { db, store, writer } = aurora
  const routes = new DynamoRoutes({ client, table: outputOf(target, 'RoutesTableName'), deadline })
  const parking = openParking(target)
  const { sides, claim, claimSet } = openClaims({
    ...{ entities, db, store, writer, client, tables, parking, deadline },
  })
  const sources = {
    ...{ db, parking, lag, missingTriggers },
    lastVerification: (name: string) => lastVerification({ name }, jobs),
    openMigrations: async () => interruptedIn(await new MigrationLedgers(db).read()),
    isFilled: (entity: Parameters<typeof isFilledFromAurora>[0]) => isFilledFromAurora(entity, jobs),
    undelivered: () => openUndelivered(target).count(ENOUGH),
    entities,
    stageOf: async (name: string) => (await routes.read(name)).route.stage,
  }
  const keys = { db, client, tables, deadline, jobs, routes, database, log, marks }
  return {
    move: {
      routes,
      figures: (entity, route) => readFigures(entity, route, sources),
      count: (entity, route, both) => countKeys(entity, route, both, { db }),
      readers: (entity) => readersOf(target, entity, deadline),
    },
    sweep: { ...keys, claim, claimSet },
    recover: { ...keys, sides, parking },
    canary: {
      ...{ claim, routes, newKey: uuidv7 },
      stores: {
        aurora: store,
        // Nothing that a command makes is repeated by a header.
        dynamo: new DynamoStore({ client, tables, idempotencyTable: '', deadline, log }),
      },
      read: {
        aurora: (entity, key) => readHeldRecord(entity, key, { db, store }),
        dynamo: (entity, key) => sides.dynamo.read(entity, key),
      },
    },
  }
}

/** What reads metrics is loaded when it is asked for. */
const readersOf = async (
  target: Given['target'],
  { name }: Pick<Entity, 'name'>,
  deadline: Deadline,
): Promise<Readers> => {
  // The SDK would ask AWS instead, with credentials of nobody's.
  if (target.name === 'local' && process.env.AWS_ENDPOINT_URL_CLOUDWATCH === undefined)
    throw new CliError({ code: 'target.incomplete', message: 'the stack measures nothing: start it again' })
  const [{ openCloudWatch }, { readReaders }] = await Promise.all([
    import('../../../functions/bridge/drivers/cloudwatch/read-metrics.ts'),
    import('../../../functions/bridge/cutover/readers.ts'),
  ])
  return readReaders(openCloudWatch(), name, { now: new Date(), deadline })
}

/** Where a stack's routes stand. */
export const openRoutes = (context: Given): DynamoRoutes => {
  const { client, deadline } = openBackfill(context)
  return new DynamoRoutes({ client, table: outputOf(context.target, 'RoutesTableName'), deadline })
}
