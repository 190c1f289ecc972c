import { openAurora } from '../../../../functions/bridge/aurora/open.ts'
import { openDynamo } from '../../../../functions/bridge/drivers/dynamo/client.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { planVerify } from '../../../../functions/bridge/verify/plan.ts'
import { runVerify } from '../../../../functions/bridge/verify/run.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'

/** Where everything is that a process needs to verify; endpoints are in its environment. */
export type VerifyRequest = {
  readonly aurora: {
    readonly CLUSTER_ARN: string
    readonly SECRET_ARN: string
    readonly DATABASE_NAME: string
  }
  readonly tables: Readonly<Record<string, string>>
  readonly parking: string
  readonly jobs: string
  readonly maxRate?: number
  readonly segments?: number
}

/**
 * A process that verifies the chefs, to be killed, or measured: it tells each step with how many it has gone through, and at its end
 * what it has found, and what that has taken.
 */
const request: VerifyRequest = JSON.parse(process.argv[2] ?? '')
const entity = mirroredChef()
const deadline = new Deadline()
const client = openDynamo()
const { db } = openAurora(request.aurora, deadline)
const parts = {
  ...{ db, client, deadline, database: request.aurora.DATABASE_NAME },
  tables: new Tables(request.tables),
  jobs: new DynamoJobs({ client, table: request.jobs, deadline }),
  parking: new DynamoParking({ client, table: request.parking, deadline }),
  undelivered: async () => new Set<string>(),
  log: { warn: () => {} },
}
const { maxRate, segments } = request
const plan = await planVerify(entity, parts, { segments })
const begun = performance.now()
const steps: Record<string, number> = {}
const ended: Record<string, number> = {}
const { verification } = await runVerify(plan, {
  ...parts,
  ...{ by: 'a process', maxRate, patience: 50, limiter: new RateLimiter({ maxRate }) },
  onProgress: (step, looked) => {
    steps[step] = looked
    ended[step] = (performance.now() - begun) / 1_000
    console.log(`${step} ${looked}`)
  },
})
const seconds = (performance.now() - begun) / 1_000
const cpu = process.cpuUsage().user / 1e6
const rssMB = process.resourceUsage().maxRSS / 1_024
console.log(JSON.stringify({ verification, steps, ended, seconds, cpu, rssMB }))
