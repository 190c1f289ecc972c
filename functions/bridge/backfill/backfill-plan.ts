import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import * as z from 'zod'
import { readOwners } from '../aurora/owners.ts'
import { guessSize, readIdRange } from '../aurora/row-heads.ts'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { scanSegment, WHOLE } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type Extent, measureExtent } from '../jobs/forecast.ts'
import type { JobRecord, JobRequest } from '../jobs/jobs.ts'
import { segmentCount } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import { referencesOf } from '../model/references.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from '../sync/mirror.ts'
import type { StoreMarks } from '../sync/store-marks.ts'
import { type Forward, scanRecords } from './apply-records.ts'
import { FillNotReadyError } from './errors.ts'

/*
 * Fills one store with what the other one's records of an entity are, whether stream or log have ever told of them or not: those
 * that are older than what follows the table, and what a stream that was down for longer than its day has forgotten. Stream, log
 * and all writers go on meanwhile: all apply under one guard, so nothing newer is overwritten, and nothing deleted comes back.
 */

/** The kind of the job. */
const KIND = 'backfill'

/**
 * Items are brought to Aurora, `records` to DynamoDB. To make both stores one again, of DynamoDB's own the `rows` are deleted then
 * whose items are gone, and of Aurora's own the items whose rows are `gone`.
 */
export type BackfillStep = 'items' | 'rows' | 'records' | 'gone'
type Steps = readonly [BackfillStep, ...BackfillStep[]]

/** What is done: what is there is brought, or a `resync`, which finds the deletes that nothing has told of as well. */
export type BackfillMode = 'backfill' | 'resync'

/** Which side's own records are brought to the other one. */
export type BackfillFrom = 'dynamo' | 'aurora' | 'both'

const STEPS: Readonly<Record<BackfillMode, Readonly<Record<BackfillFrom, Steps>>>> = {
  backfill: { dynamo: ['items'], aurora: ['records'], both: ['items', 'records'] },
  resync: {
    dynamo: ['items', 'rows'],
    aurora: ['records', 'gone'],
    both: ['items', 'rows', 'records', 'gone'],
  },
}

/** Items of a page. One is applied with its page: a statement's document has room for the largest of them. */
export const FILL_PAGE = 1_000

/** The name of a fill's job. */
export const backfillJob = ({ name }: Entity, mode: BackfillMode, from: BackfillFrom): string =>
  from === 'both' ? `${mode}:${name}:both-ways` : `${mode}:${name}:from-${from}`

/** Whether all that Aurora held of an entity has been brought to DynamoDB once. */
export const isFilledFromAurora = async (
  entity: Entity,
  jobs: Pick<DynamoJobs, 'read'>,
): Promise<boolean> => {
  const names = (['backfill', 'resync'] as const).flatMap((mode) =>
    (['aurora', 'both'] as const).map((from) => backfillJob(entity, mode, from)),
  )
  const records = await Promise.all(names.map((name) => jobs.read(name)))
  return records.some((record) => record?.state === 'done')
}

export type BackfillParts = {
  readonly mirror: Mirror
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly jobs: DynamoJobs
  /** Which database it is: a job of another one is not gone on with. */
  readonly database: string
  readonly deadline: Deadline
  /** What brings Aurora's records to DynamoDB. */
  readonly forward: Omit<Forward, 'db'>
  /** Which triggers an entity's tables lack, or have in another form, by their names. */
  readonly missingTriggers: (entity: Entity) => Promise<readonly string[]>
  /** By what it is seen that a store was restored. */
  readonly marks: Pick<StoreMarks, 'require'>
}

/** What a backfill is about to do. */
export type BackfillPlan = {
  readonly entity: Entity
  readonly mode: BackfillMode
  readonly from: BackfillFrom
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  /** Where it is or begins. */
  readonly step: BackfillStep
  readonly segments: number
  readonly segmentsDone: number
  /** The table in DynamoDB. */
  readonly table: string
  /** What the first step is believed to have before it: items, those of other entities included, or rows. */
  readonly estimate: number
  /** As `estimate`, in bytes, and with what a first page shows. */
  readonly extent: Extent
  /** What its items refer to: what isn't there yet is waited for, parked. */
  readonly refersTo: readonly string[]
  /** When it ended last; ISO 8601, UTC. */
  readonly endedAt: string | undefined
  /** How the steps are divided that begin. */
  readonly division: Division
}

/** Segments of the items, and the last ids of the segments of counted rows but for the last one, which has no end. */
type Division = { readonly items: number; readonly upTo: readonly string[] }

/**
 * Looks at what there is to do.
 *
 * @param options `again` goes once more over what was done, or begins anew what was interrupted
 * @throws MissingTableError, DynamoError, DataApiError; FillNotReadyError where Aurora's records can't be brought yet;
 *   SteppedBackError
 */
export const planBackfill = async (
  entity: Entity,
  parts: Omit<BackfillParts, 'mirror'>,
  {
    mode = 'backfill',
    from = 'dynamo',
    again = false,
    segments,
    countSegments = segmentCount,
    signal,
  }: {
    readonly mode?: BackfillMode | undefined
    readonly from?: BackfillFrom | undefined
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    /** How many segments so many items or rows are divided into, where nobody says. @default as for one process */
    readonly countSegments?: ((estimate: number) => number) | undefined
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<BackfillPlan> => {
  const { db, client, tables, jobs, deadline, marks } = parts
  await marks.require(entity)
  if (from !== 'dynamo') await requireMirrored(entity, parts)
  const table = tables.of(entity.item.table)
  const bounds = { deadline, signal }
  const believed = await describeTable(client, table, bounds)
  const steps = STEPS[mode][from]
  const [first] = steps
  const rows = steps.includes('records') ? await guessSize(db, entity) : undefined
  const extent =
    first === 'records' && rows !== undefined
      ? await measureExtent(
          { items: rows.rows, bytes: rows.bytes },
          scanRecords(db, entity, {}, undefined, { signal }),
          ({ looked }) => Math.round((rows.bytes / Math.max(1, rows.rows)) * looked),
        )
      : await measureExtent(
          believed,
          scanSegment({ client, table, ...WHOLE, ...bounds, pageItems: FILL_PAGE }),
        )
  const job = backfillJob(entity, mode, from)
  const record = await jobs.read(job)
  const refersTo = [...new Set(referencesOf(entity))].filter((name) => name !== entity.name)
  const estimate = first === 'records' ? extent.items : believed.items
  const facts = { entity, mode, from, job, table, estimate, extent, refersTo, endedAt: record?.endedAt }
  if (record === undefined || again) {
    const division = {
      items: segments ?? countSegments(believed.items),
      upTo: rows === undefined ? [] : await divideRows(db, entity, segments ?? countSegments(rows.rows)),
    }
    return {
      ...{ ...facts, division, todo: 'begin', step: first },
      ...{ segments: backfillSegments(first, division), segmentsDone: 0 },
    }
  }
  const step = steps.find((known) => known === record.step) ?? first
  const division = backfillDivision(record)
  if (record.state === 'done')
    return {
      ...{ ...facts, division, todo: 'nothing', step },
      ...{ segments: record.segments, segmentsDone: record.segments },
    }
  const progress = await jobs.segmentsOf(job, step)
  const segmentsDone = progress.filter(({ done }) => done).length
  return { ...facts, division, todo: 'go on', step, segments: record.segments, segmentsDone }
}

/**
 * Refuses to bring what the triggers would not tell of: rows that are written while they are read would be in neither.
 *
 * @throws FillNotReadyError
 */
const requireMirrored = async (
  entity: Entity,
  { db, missingTriggers }: Pick<BackfillParts, 'db' | 'missingTriggers'>,
): Promise<void> => {
  const { name } = entity
  if (entity.mirror === undefined)
    throw new FillNotReadyError(
      `${name} is not mirrored: what is written to its rows while they are read would never reach DynamoDB`,
      `say mirror: {} in the definition of ${name}, deploy it, then: npx backsync mirror install ${name}`,
    )
  if (!(await readOwners(db)).has(name))
    throw new FillNotReadyError(
      `it is not known of the rows of ${name} whose they are`,
      `npx backsync owners take ${name}`,
    )
  const missing = await missingTriggers(entity)
  if (missing.length > 0)
    throw new FillNotReadyError(
      `of the triggers of ${name} ${missing.length} are missing or changed (${missing.join(', ')}): what is written to its rows while they are read would never reach DynamoDB`,
      `npx backsync mirror install ${name}`,
    )
}

/** The last ids of so many parts of the rows, but for the last one; none where rows aren't counted. */
const divideRows = async (db: Kysely<unknown>, entity: Entity, parts: number): Promise<readonly string[]> => {
  const ids = await readIdRange(db, entity)
  if (ids === undefined) return []
  const { first, last } = ids
  const size = (last - first + 1n) / BigInt(parts)
  if (size === 0n) return []
  return Array.from({ length: parts - 1 }, (_, at) => String(first - 1n + size * BigInt(at + 1)))
}

/** How many segments a step is divided into that begins. */
export const backfillSegments = (step: BackfillStep, { items, upTo }: Division): number => {
  // The order of a primary key has one beginning.
  if (step === 'rows') return 1
  return step === 'records' ? upTo.length + 1 : items
}

const storedSpec = z.object({
  items: z.number().int().positive().optional(),
  upTo: z.array(z.string().regex(/^\d+$/)).optional(),
})

/** How a job was divided when it began: what it goes on with. */
export const backfillDivision = ({ spec, segments }: Pick<JobRecord, 'spec' | 'segments'>): Division => {
  const { items = segments, upTo = [] } = storedSpec.safeParse(spec).data ?? {}
  return { items, upTo }
}

/** The steps of a fill, in their order. */
export const stepsOfBackfill = ({ mode, from }: Pick<BackfillPlan, 'mode' | 'from'>): Steps =>
  STEPS[mode][from]

/** How a fill takes its job. */
export const backfillRequest = (
  plan: BackfillPlan,
  database: string,
  who: Pick<JobRequest, 'by' | 'owner' | 'maxRate' | 'maxLag'>,
): JobRequest => {
  const { job, todo, from, table, segments, division } = plan
  const divided = from === 'dynamo' ? {} : { items: division.items, upTo: division.upTo }
  return {
    ...{
      job,
      kind: KIND,
      spec: { table, database, ...divided },
      segments,
      step: stepsOfBackfill(plan)[0],
    },
    again: todo === 'begin' && 'unfinished',
    ...who,
  }
}
