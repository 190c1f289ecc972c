import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { runCopy } from '../bridge/copy/copy.ts'
import {
  type CopyMachineParts,
  concludeCopy,
  planMachineCopy,
  readCopyOperation,
  runCopySegment,
} from '../bridge/copy/copy-machine.ts'
import { type CopyClients, planCopy } from '../bridge/copy/copy-plan.ts'
import { requireComplete } from '../bridge/copy/copy-report.ts'
import { type CopyRequest, readCopyEvent } from '../bridge/copy/copy-request.ts'
import { requireNamed } from '../bridge/copy/followed.ts'
import { openAccount } from '../bridge/copy/role-client.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { DynamoJobs } from '../bridge/jobs/dynamo-jobs.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'

const config = readConfig(settings.jobs.extend(settings.stage.partial().shape), process.env)
const deadline = new Deadline()
const log = new LambdaLog('copy-table')
const home = openDynamo()
const jobs = new DynamoJobs({ client: home, table: config.JOBS_TABLE, deadline })

/**
 * Copies a table. The event is a request, `{ sourceTableName, destinationTableName, cleanupDestinationTable, migrate }`,
 * which is done within the invocation; or a call of the state machine, which does the same in many. An event with
 * `cleanupDestinationTable` is the confirmation: nobody can be asked. In stage prod a table that a stream follows is emptied
 * only where the event names it once more, as `emptiesFollowedTable`.
 *
 * @returns a request's report; what the machine's next call needs
 * @throws CopyError when the time ran out, items were refused or the tables differ
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const call = readCopyOperation(event)
  const request = call?.request ?? readCopyEvent(event)
  const clients = openClients(request)
  const by = `function, request ${context.awsRequestId}`
  const parts: CopyMachineParts = { clients, jobs, deadline, by, log, asksForName: config.STAGE === 'prod' }
  try {
    switch (call?.operation) {
      case 'plan':
        return await planMachineCopy(call, parts)
      case 'segment':
        return await runCopySegment(call, parts)
      case 'conclude':
        return await concludeCopy(call, parts)
      default:
        return await copyWhole(request, parts, context.awsRequestId)
    }
  } finally {
    for (const client of new Set([clients.source, clients.destination])) if (client !== home) client.destroy()
  }
}

/** A repeat of the invocation by Lambda has the same request id, and need not wait for its own lease. */
const copyWhole = async (request: CopyRequest, parts: CopyMachineParts, owner: string) => {
  const plan = await planCopy(request, parts.clients, parts)
  if (parts.asksForName === true) requireNamed(plan)
  const report = await runCopy(plan, { ...parts, owner })
  log.info('Copied', { ...report })
  return requireComplete(report, {
    job: `${request.sourceTableName}->${request.destinationTableName}`,
  })
}

const openClients = (request: CopyRequest): CopyClients => {
  const { sourceRoleArn, sourceRegion, destinationRoleArn, destinationRegion } = request
  return {
    source: openSide(sourceRoleArn, sourceRegion),
    destination: openSide(destinationRoleArn, destinationRegion),
  }
}

const openSide = (roleArn: string | undefined, region: string | undefined): DynamoDBClient =>
  roleArn === undefined && region === undefined ? home : openAccount({ roleArn, region })
