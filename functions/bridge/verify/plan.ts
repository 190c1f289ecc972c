import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import * as z from 'zod'
import { canonicalSql } from '../aurora/canonical-sql.ts'
import { readColumnTypes } from '../aurora/column-types.ts'
import { readOwners } from '../aurora/owners.ts'
import { guessSize, readIdRange } from '../aurora/row-heads.ts'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { scanSegment, WHOLE } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type Extent, measureExtent } from '../jobs/forecast.ts'
import { segmentCount } from '../jobs/segments.ts'
import { verificationOf } from '../jobs/verifications.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { bucketCount } from './bucket-sums.ts'
import type { ComparisonStep } from './comparison.ts'
import { isCheaperByKey, sampledSegments } from './sample.ts'

/** Which keys of an entity a verification looks at: all of them, a share of them, or those that are named. */
export type VerifyScope =
  | { readonly of: 'all' }
  /** A share of the keys, by hash: the same ones each time. @param percent above 0, below 100 */
  | { readonly of: 'sample'; readonly percent: number }
  | { readonly of: 'keys'; readonly keys: readonly string[] }
  /** Keys whose records say that they were written since a time. @param since ISO 8601, UTC */
  | { readonly of: 'since'; readonly since: string }

export type VerifyStep = ComparisonStep

/** How the steps of a verification are divided, for as long as it goes on. */
export type VerifyDivision = {
  /** A power of two. */
  readonly buckets: number
  /** Segments of the items. */
  readonly items: number
  /** Of a sample whose items are read by their keys: how many of these segments are looked through as well. */
  readonly sampled?: number | undefined
  /** The last ids of the segments of counted rows but for the last one, which has no end. */
  readonly upTo: readonly string[]
}

/** What a verification is about to do. */
export type VerifyPlan = {
  readonly entity: Entity
  readonly job: string
  readonly scope: VerifyScope
  readonly todo: 'begin' | 'go on'
  readonly step: VerifyStep
  readonly segments: number
  readonly segmentsDone: number
  /** The table in DynamoDB. */
  readonly table: string
  readonly division: VerifyDivision
  /** The text of a row in SQL, or why rows are read and hashed here. */
  readonly canonical: ReturnType<typeof canonicalSql>
  /** Items and rows that there are believed to be. */
  readonly items: number
  readonly rows: number
  /** What reading the items takes, with what a first page shows. */
  readonly extent: Extent
}

/** Whose the keys are isn't known, so nobody can say which of them are to be in both stores. Nothing was done. */
export class VerifyNotReadyError extends BridgeError {
  override readonly name = 'VerifyNotReadyError'
  readonly code = 'verify.not-ready'
  readonly kind = 'configuration'
  /** What to do about it, for people. */
  readonly cure: string

  constructor({ name }: Pick<Entity, 'name'>) {
    super(
      `it is not known of the rows of ${name} whose they are, nor so which of them are to be in both stores`,
    )
    this.cure = `npx backsync owners take ${name}`
  }
}

export type VerifyStores = {
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly jobs: DynamoJobs
  readonly deadline: Deadline
}

const STEPS: Readonly<Record<'whole' | 'sample' | 'some', readonly [VerifyStep, ...VerifyStep[]]>> = {
  whole: ['items', 'rows', 'narrow', 'strays', 'look'],
  sample: ['sampleRows', 'sampleItems', 'look'],
  some: ['gather', 'look'],
}

/** The steps of a verification, in their order. */
export const verifySteps = (
  { of }: VerifyScope,
  { sampled }: Pick<VerifyDivision, 'sampled'>,
): readonly [VerifyStep, ...VerifyStep[]] => {
  if (of !== 'all' && of !== 'sample') return STEPS.some
  return STEPS[sampled === undefined ? 'whole' : 'sample']
}

/** Segments into which a step is divided. */
export const segmentsOfStep = (
  step: VerifyStep,
  { items, upTo, sampled = 1 }: VerifyDivision,
  { of }: VerifyScope,
): number => {
  if (step === 'items' || step === 'strays') return items
  if (step === 'sampleItems') return sampled
  // Items, rows, and what was deleted.
  if (step === 'gather' && of === 'since') return 3
  return step === 'rows' || step === 'narrow' || step === 'sampleRows' ? upTo.length + 1 : 1
}

/**
 * Looks at what a verification has to do.
 *
 * @param options.again begins anew what was interrupted; one that has ended is always begun anew
 * @throws VerifyNotReadyError; MissingTableError, DynamoError, DataApiError; the signal's reason
 */
export const planVerify = async (
  entity: Entity,
  { db, client, tables, jobs, deadline }: VerifyStores,
  {
    scope = { of: 'all' },
    again = false,
    segments,
    signal,
  }: {
    readonly scope?: VerifyScope | undefined
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<VerifyPlan> => {
  if (!(await readOwners(db)).has(entity.name)) throw new VerifyNotReadyError(entity)
  const table = tables.of(entity.item.table)
  const bounds = { deadline, signal }
  const believed = await describeTable(client, table, bounds)
  const size = await guessSize(db, entity)
  const job = jobOf(entity, scope)
  const record = await jobs.read(job)
  const canonical = canonicalSql(entity, await readColumnTypes(db, entity))
  const facts = {
    ...{ entity, job, scope, table, canonical, items: believed.items, rows: size.rows },
    extent:
      scope.of === 'keys'
        ? { items: scope.keys.length, bytes: 0, exact: true, reading: undefined }
        : await measureExtent(believed, scanSegment({ client, table, ...WHOLE, ...bounds })),
  }
  const kept = record === undefined ? undefined : storedDivision.safeParse(record.spec).data
  const step = kept && verifySteps(scope, kept).find((known) => known === record?.step)
  if (again || record === undefined || kept === undefined || record.state === 'done' || step === undefined) {
    const division = {
      buckets: bucketCount(Math.max(believed.items, size.rows)),
      ...itemSegments(scope, segments ?? segmentCount(believed.items), facts.extent),
      upTo: await divide(db, entity, segments ?? segmentCount(size.rows)),
    }
    const [first] = verifySteps(scope, division)
    return {
      ...{ ...facts, division, todo: 'begin', step: first },
      ...{ segments: segmentsOfStep(first, division, scope), segmentsDone: 0 },
    }
  }
  const progress = await jobs.segmentsOf(job, step)
  return {
    ...{ ...facts, division: kept, todo: 'go on', step, segments: record.segments },
    segmentsDone: progress.filter(({ done }) => done).length,
  }
}

const itemSegments = (
  scope: VerifyScope,
  segments: number,
  extent: Extent,
): Pick<VerifyDivision, 'items' | 'sampled'> =>
  scope.of === 'sample' && isCheaperByKey(extent, scope.percent)
    ? sampledSegments(segments, scope.percent)
    : { items: segments }

/** A part is verified by a job of its own: that of all keys stays where it is. */
const jobOf = (entity: Entity, { of }: VerifyScope): string =>
  of === 'all' ? verificationOf(entity) : `${verificationOf(entity)}:${of}`

const storedDivision: z.ZodType<VerifyDivision> = z.object({
  buckets: z.number().int().positive(),
  items: z.number().int().positive(),
  sampled: z.number().int().positive().optional(),
  upTo: z.array(z.string().regex(/^\d+$/)),
})

/** The last ids of so many parts of the rows, but for the last one; none where rows aren't counted. */
const divide = async (db: Kysely<unknown>, entity: Entity, parts: number): Promise<readonly string[]> => {
  const ids = await readIdRange(db, entity)
  if (ids === undefined) return []
  const size = (ids.last - ids.first + 1n) / BigInt(parts)
  if (size === 0n) return []
  return Array.from({ length: parts - 1 }, (_, at) => String(ids.first - 1n + size * BigInt(at + 1)))
}
