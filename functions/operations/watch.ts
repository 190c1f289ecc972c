import { TombstoneSweep } from '../bridge/aurora/expired-tombstones.ts'
import { openDatabase } from '../bridge/aurora/open.ts'
import { unseenEntities } from '../bridge/aurora/triggers/trigger-state.ts'
import { unfollowedRoutes } from '../bridge/cutover/unfollowed.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { ObjectBucket } from '../bridge/drivers/s3/bucket.ts'
import { openS3 } from '../bridge/drivers/s3/client.ts'
import { DynamoJobs } from '../bridge/jobs/dynamo-jobs.ts'
import { conflictsOf } from '../bridge/model/conflict.ts'
import type { Entity } from '../bridge/model/entity.ts'
import { kindOf } from '../bridge/model/errors.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { DynamoParking } from '../bridge/parking/dynamo-parking.ts'
import { DynamoRoutes } from '../bridge/routes/dynamo-routes.ts'
import { openComplete } from '../bridge/routes/open-complete.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { LambdaMetrics, WATCH, WHOLE_STACK } from '../bridge/runtime/metrics.ts'
import { Undelivered } from '../bridge/undelivered/undelivered.ts'
import { entities } from '../entities/index.ts'

/** Whoever has more than this knows enough; each thousand is a call. */
const ENOUGH = 20_000
/** No statement of the sweep begins with less time left, in milliseconds. */
const RESERVE = 15_000

const config = readConfig(
  settings.failures.extend({
    ...settings.aurora.shape,
    ...settings.parking.shape,
    ...settings.routes.partial().shape,
    ...settings.jobs.partial().shape,
  }),
  process.env,
)
const deadline = new Deadline()
const log = new LambdaLog('watch')
const metrics = new LambdaMetrics(WATCH)
const bucket = new ObjectBucket({ client: openS3(), bucket: config.FAILURE_BUCKET, deadline })
const undelivered = new Undelivered(bucket)
const client = openDynamo()
const parking = new DynamoParking({ client, table: config.PARKING_TABLE, deadline })
const database = openDatabase(config, deadline)
const kept = keptIn(entities)
const tombstones = new TombstoneSweep(database, kept)
const mirrored = kept.filter(({ mirror }) => mirror !== undefined)
const ended = openComplete({ entities: kept, table: config.ROUTES_TABLE, deadline, metrics, log })

/**
 * Looks, every few minutes, what waits for an operator, and publishes how much it is: alarms stay on until it is none. Now and
 * then it ends what has expired.
 */
export const handler = async (_event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    const batches = await undelivered.count(ENOUGH)
    metrics.gauge('Undelivered', WHOLE_STACK, batches)
    if (batches > 0) log.warn('batches are undelivered: see backsync undelivered list', { batches })
    let keys = 0
    for (const { name } of entities) keys += (await parking.parkedOf(conflictsOf(name))).size
    metrics.gauge('Undecided', WHOLE_STACK, keys)
    if (keys > 0) log.warn('keys are in conflict: see backsync parked list', { keys })
    const unfollowed = await lookAtRoutes()
    // What is found is told, whatever becomes of the rest.
    metrics.flush()
    const unseen = await lookAtTriggers()
    const ended = await sweep()
    return {
      undelivered: batches,
      undecided: keys,
      ...(unfollowed !== undefined && { unfollowed }),
      ...(unseen !== undefined && { unseen }),
      ...(ended !== undefined && { ended }),
    }
  } finally {
    metrics.flush()
  }
}

/** Where there are no routes nobody follows one. */
const lookAtRoutes = async (): Promise<number | undefined> => {
  const { ROUTES_TABLE, JOBS_TABLE } = config
  if (ROUTES_TABLE === undefined || JOBS_TABLE === undefined) return undefined
  const parts = {
    routes: new DynamoRoutes({ client, table: ROUTES_TABLE, deadline }),
    jobs: new DynamoJobs({ client, table: JOBS_TABLE, deadline }),
  }
  const names = await unfollowedRoutes(entities, parts, Date.now())
  metrics.gauge('Unfollowed', WHOLE_STACK, names.length)
  if (names.length > 0)
    log.warn('keys have not followed their route: see backsync cutover status', { routes: names.join(', ') })
  return names.length
}

/** Without a mirror nobody asks the database: a paused cluster would wake up for it. */
const lookAtTriggers = async (): Promise<number | undefined> => {
  if (mirrored.length === 0) return undefined
  const open: Entity[] = []
  // Of a route that is over nobody has to see anything.
  for (const entity of mirrored) if ((await ended?.has(entity.name)) !== true) open.push(entity)
  if (open.length === 0) return undefined
  const names = await unseenEntities(database, open)
  metrics.gauge('Unseen', WHOLE_STACK, names.length)
  if (names.length > 0)
    log.warn('triggers are missing or changed: see backsync mirror status', { entities: names.join(', ') })
  metrics.flush()
  return names.length
}

/** What passes by itself is left for the next time. */
const sweep = async (): Promise<number | undefined> => {
  try {
    const ended = await tombstones.run(new Date(), () => deadline.remaining() > RESERVE)
    if (ended !== undefined && ended > 0) log.info('tombstones have expired', { ended })
    return ended
  } catch (error) {
    if (kindOf(error) !== 'transient') throw error
    log.warn('tombstones could not be swept', { error })
    return undefined
  }
}
