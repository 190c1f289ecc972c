import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { describeTable, type TableFacts } from '../drivers/dynamo/describe.ts'
import { type KeySchema, keyAttributes } from '../drivers/dynamo/key-schema.ts'
import { type Bounds, callPatiently } from '../drivers/dynamo/patient-call.ts'
import type { JobRequest } from '../jobs/jobs.ts'
import { BridgeError } from '../model/errors.ts'
import { type CopyRequest, requireWork } from './copy-request.ts'

/** What a copy does, in this order; `verify` reads the destination to its end. */
export type CopyStep = 'cleanup' | 'migrate' | 'verify'

export type CopyClients = { readonly source: DynamoDBClient; readonly destination: DynamoDBClient }

/** The tables of a request, as DynamoDB describes them. */
export type CopyTables = {
  readonly request: CopyRequest
  readonly source: TableFacts
  readonly destination: TableFacts
}

export type CopyPlan = CopyTables & {
  /** Whether the destination holds anything now. */
  readonly destinationInUse: boolean
  /** The job's name. */
  readonly job: string
  /** What the job is begun with, as JSON. */
  readonly spec: unknown
  readonly steps: readonly [CopyStep, ...CopyStep[]]
}

/** A copy that would do harm, or could not succeed. Nothing was written. */
export class CopyRefusedError extends BridgeError {
  override readonly name = 'CopyRefusedError'
  readonly code:
    | 'copy.same-table'
    | 'copy.key-schema'
    | 'copy.table-not-active'
    | 'copy.restoring'
    | 'copy.changed'
    | 'copy.followed'
  readonly kind = 'configuration'

  constructor(code: CopyRefusedError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Looks at both tables and refuses what must not begin. What is shown of the plan is what `runCopy` carries out.
 *
 * @throws CopyRequestError when there is nothing to do; MissingTableError; CopyRefusedError for one and the same table,
 *   keys that differ, a table that isn't active or is being restored; RoleError, DynamoError, DeadlineError
 */
export const planCopy = async (
  request: CopyRequest,
  clients: CopyClients,
  bounds: Bounds,
): Promise<CopyPlan> => {
  requireWork(request)
  const tables = await inspectCopy(request, clients, bounds)
  return {
    ...tables,
    job: copyJob(tables),
    spec: {
      source: tables.source.arn,
      destination: tables.destination.arn,
      cleanup: request.cleanupDestinationTable,
      migrate: request.migrate,
    },
    steps: stepsOf(request),
  }
}

/**
 * Between a plan and its execution somebody was asked, maybe for minutes: what they agreed to must still be so.
 *
 * @throws CopyRefusedError when a table was made anew, or the destination got items; else as `planCopy`
 */
export const requirePlanned = async (plan: CopyPlan, clients: CopyClients, bounds: Bounds): Promise<void> => {
  const now = await inspectCopy(plan.request, clients, bounds)
  for (const side of ['source', 'destination'] as const)
    if (!isSameTable(plan[side], now[side]))
      throw new CopyRefusedError(
        'copy.changed',
        `${now[side].name} is not the table any more that was planned with: it was made anew`,
      )
  if (now.destinationInUse && !plan.destinationInUse)
    throw new CopyRefusedError(
      'copy.changed',
      `${now.destination.name} had no items when this was planned, and has some now`,
    )
}

/** Both tables, and that a copy between them may begin. */
const inspectCopy = async (
  request: CopyRequest,
  clients: CopyClients,
  bounds: Bounds,
): Promise<CopyTables & { readonly destinationInUse: boolean }> => {
  const tables = await describeCopy(request, clients, bounds)
  const { source, destination } = tables
  refuseSameTable(source, destination)
  for (const table of [source, destination]) refuseUnready(table)
  refuseOtherKey(source.key, destination.key)
  const first = await callPatiently('Scan', bounds, (options) =>
    clients.destination.send(
      new ScanCommand({ TableName: request.destinationTableName, Limit: 1, ConsistentRead: true }),
      options,
    ),
  )
  return { ...tables, destinationInUse: (first.Items ?? []).length > 0 }
}

/** Both tables as they are. @throws MissingTableError, RoleError, DynamoError, DeadlineError */
export const describeCopy = async (
  request: CopyRequest,
  clients: CopyClients,
  bounds: Bounds,
): Promise<CopyTables> => ({
  request,
  source: await describeTable(clients.source, request.sourceTableName, bounds),
  destination: await describeTable(clients.destination, request.destinationTableName, bounds),
})

export const stepsOf = ({ cleanupDestinationTable, migrate }: CopyRequest): CopyPlan['steps'] => {
  if (!cleanupDestinationTable) return ['migrate', 'verify']
  return migrate ? ['cleanup', 'migrate', 'verify'] : ['cleanup', 'verify']
}

/** The job's name: by the tables' names, or their ARNs where an account or a region is given. */
export const copyJob = ({ request, source, destination }: CopyTables): string => {
  const abroad =
    request.sourceRoleArn ?? request.sourceRegion ?? request.destinationRoleArn ?? request.destinationRegion
  const [from, to] = abroad === undefined ? [source.name, destination.name] : [source.arn, destination.arn]
  return `copy:${from}->${to}`
}

/** How a copy takes its job, to begin with its first step. */
export const copyJobRequest = (
  plan: CopyPlan,
  sizes: SegmentSizes,
  { owner, ...taken }: Pick<JobRequest, 'by' | 'owner' | 'again'>,
): JobRequest => {
  const { job, spec, steps } = plan
  const [step] = steps
  const segments = segmentsFor(step, plan, sizes)
  return { job, kind: 'copy', spec, segments, step, ...taken, ...(owner !== undefined && { owner }) }
}

/** How many segments a step is divided into. */
export const segmentsFor = (
  step: CopyStep,
  { request, source, destination }: CopyTables,
  by: SegmentSizes,
): number => {
  if (request.segments !== undefined) return request.segments
  // What is verified was just copied, unless it was there before.
  const tables = step === 'cleanup' ? [destination] : step === 'migrate' ? [source] : [source, destination]
  const wanted = tables.map(({ items, bytes }) => Math.max(items / by.items, bytes / by.bytes))
  return Math.min(by.most, Math.max(by.fewest, Math.ceil(Math.max(...wanted))))
}

export type SegmentSizes = {
  /** Items and bytes that a segment should have. */
  readonly items: number
  readonly bytes: number
  /** There are some in any case: DynamoDB's own figures say nothing of a young table. */
  readonly fewest: number
  readonly most: number
}

/** Whether a table is the one that it was: one that is made anew has the same ARN, and another id. */
const isSameTable = (before: TableFacts, now: TableFacts): boolean =>
  before.arn === now.arn && before.id === now.id

const refuseSameTable = (source: TableFacts, destination: TableFacts): void => {
  const same = source.arn === destination.arn || (source.id !== undefined && source.id === destination.id)
  if (same) throw new CopyRefusedError('copy.same-table', `${source.name} can't be copied into itself`)
  const from = partsOf(source.arn)
  const to = partsOf(destination.arn)
  const replicas = from.account === to.account && from.name === to.name && source.replicas.includes(to.region)
  if (replicas)
    throw new CopyRefusedError(
      'copy.same-table',
      `${source.name} can't be copied into its own replica in ${to.region}`,
    )
}

/** `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME` */
const partsOf = (arn: string) => {
  const [, , , region = '', account = '', ...name] = arn.split(':')
  return { region, account, name: name.join(':') }
}

const refuseUnready = ({ name, status, restoring }: TableFacts): void => {
  if (restoring)
    throw new CopyRefusedError('copy.restoring', `${name} is being restored; wait until that has ended`)
  if (status !== 'ACTIVE')
    throw new CopyRefusedError('copy.table-not-active', `${name} is ${status}; wait until it is ACTIVE`)
}

const refuseOtherKey = (source: KeySchema, destination: KeySchema): void => {
  const [from, to] = [keyDescription(source), keyDescription(destination)]
  if (from !== to)
    throw new CopyRefusedError(
      'copy.key-schema',
      `The tables have different keys: ${from} at the source, ${to} at the destination`,
    )
}

const keyDescription = (key: KeySchema): string =>
  keyAttributes(key)
    .map(({ name, type }, at) => `${name} (${type}, ${at === 0 ? 'HASH' : 'RANGE'})`)
    .join(', ')
