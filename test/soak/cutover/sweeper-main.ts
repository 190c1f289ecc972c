/**
 * Sweeps routes as `backsync cutover sweep` does, in a process of its own that can be frozen and killed. Its clock runs ahead of its
 * predecessor's, so that it need not wait for the lease of one that has died: what is fenced off by time alone would show.
 */
import * as z from 'zod'
import { CLOCK, putClock } from './clock.ts'

putClock(Number(process.env[CLOCK] ?? 0))
const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
const { openAurora } = await import('../../../functions/bridge/aurora/open.ts')
const { AuroraKeySets } = await import('../../../functions/bridge/aurora/aurora-key-sets.ts')
const { AuroraRecords } = await import('../../../functions/bridge/aurora/aurora-records.ts')
const { AuroraSink } = await import('../../../functions/bridge/aurora/aurora-sink.ts')
const { claimListed, claimSetListed } = await import('../../../functions/bridge/cutover/listed-claim.ts')
const { planSweep, runSweep } = await import('../../../functions/bridge/cutover/sweep.ts')
const { DynamoKeySets } = await import('../../../functions/bridge/dynamo/dynamo-key-sets.ts')
const { DynamoRecords } = await import('../../../functions/bridge/dynamo/dynamo-records.ts')
const { DynamoJobs } = await import('../../../functions/bridge/jobs/dynamo-jobs.ts')
const { DynamoParking } = await import('../../../functions/bridge/parking/dynamo-parking.ts')
const { DynamoRoutes } = await import('../../../functions/bridge/routes/dynamo-routes.ts')
const { Deadline } = await import('../../../functions/bridge/runtime/deadline.ts')
const { Tables } = await import('../../../functions/bridge/runtime/tables.ts')
const { openMarks } = await import('../../../functions/bridge/sync/open-marks.ts')
const { MOVED } = await import('./moved.ts')
const { silent } = await import('../../support/log.ts')

const settingsSchema = z.object({
  ...{ CLUSTER_ARN: z.string(), SECRET_ARN: z.string(), DATABASE_NAME: z.string(), TABLES: z.string() },
  ...{ PARKING_TABLE: z.string(), ROUTES_TABLE: z.string(), JOBS_TABLE: z.string() },
})
const messageSchema = z.object({ id: z.number(), entity: z.enum(['chef', 'plate']), again: z.boolean() })

const settings = settingsSchema.parse(process.env)
const deadline = new Deadline()
const client = new DynamoDBClient({})
const aurora = openAurora(settings, deadline)
const tables = new Tables(z.record(z.string(), z.string()).parse(JSON.parse(settings.TABLES)))
const sides = {
  aurora: new AuroraRecords({
    ...{ db: aurora.db, store: aurora.store, catalogue: aurora.writer.catalogue },
    sink: new AuroraSink(Object.values(MOVED), aurora),
  }),
  dynamo: new DynamoRecords({ client, tables, deadline }),
}
const sets = {
  aurora: new AuroraKeySets({
    ...{ db: aurora.db, catalogue: aurora.writer.catalogue, deadline },
    sink: new AuroraSink(Object.values(MOVED), aurora),
  }),
  dynamo: new DynamoKeySets({ client, tables, deadline }),
}
const parking = new DynamoParking({ client, table: settings.PARKING_TABLE, deadline })
const parts = {
  ...{ db: aurora.db, client, tables, deadline, database: settings.DATABASE_NAME, log: silent },
  jobs: new DynamoJobs({ client, table: settings.JOBS_TABLE, deadline }),
  routes: new DynamoRoutes({ client, table: settings.ROUTES_TABLE, deadline }),
  marks: openMarks({ db: aurora.db, client, table: settings.JOBS_TABLE, deadline }),
  claim: (...[entity, key, to, epoch]: Parameters<Parameters<typeof runSweep>[1]['claim']>) =>
    claimListed(entity, key, to, sides, { parking, epoch }),
  claimSet: (...[entity, keys, owner, epoch]: Parameters<Parameters<typeof runSweep>[1]['claimSet']>) =>
    claimSetListed(entity, keys, { owner, epoch }, { sets, sides, parking }),
}

/** @returns how it ended: the figures of its report, or what kept it from its end */
const sweep = async (entity: 'chef' | 'plate', again: boolean): Promise<object> => {
  try {
    const plan = await planSweep(MOVED[entity], parts, { again })
    if (plan.todo === 'nothing') return { done: true, settled: true, claimed: 0, refusals: [] }
    const { done, settled, claimed, refusals } = await runSweep(plan, { ...parts, by: 'soak' })
    const why = refusals.map(({ key, why: reason }) => `${key.key?.S}: ${reason}`)
    return { done, settled, claimed: claimed.applied, refusals: why }
  } catch (error) {
    return { done: false, settled: false, claimed: 0, refusals: [], error: String(error) }
  }
}

process.on('message', async (message) => {
  const { id, entity, again } = messageSchema.parse(message)
  process.send?.({ id, answer: await sweep(entity, again) })
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
