import * as z from 'zod'
import {
  asAmount,
  asCount,
  asFlag,
  asJson,
  asList,
  asMap,
  asOneOf,
  asText,
  attributes,
  itemReader,
} from '../drivers/dynamo/item-schema.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { BridgeError } from '../model/errors.ts'
import { jobsTable } from './job-settings.ts'
import type { JobRecord, SegmentProgress } from './jobs.ts'
import { NOTHING } from './segments.ts'

/**
 * The store of jobs holds two kinds of items, both under the job's name: one head, which has the lease, and of each
 * step of each run one item a segment.
 */

/** An item of the jobs' table that it can't have written itself. */
export class ForeignJobItemError extends BridgeError {
  override readonly name = 'ForeignJobItemError'
  readonly code = 'job.foreign-item'
  readonly kind = 'configuration'
}

/** A job's head: its record and its lease. */
export type Head = {
  readonly record: JobRecord
  /** Of this run; one that starts anew has another, so that nothing of the old one counts. */
  readonly run: string
  /** Grows with each lease of the job; writes of an older lease are refused. */
  readonly fence: number
  /** Of this lease; workers of whoever has it show it. */
  readonly token: string
  /** Milliseconds since 1970; 0 when nobody has it. */
  readonly leasedUntil: number
  readonly owner: string | undefined
}

/** The attributes of a head that are written while the job runs by others than those who work on it. */
export const RATE = 'maxRate'
export const LAG = 'maxLag'

/** The sort key of heads. */
export const HEAD = 'head'

/** Items that nobody has touched for so many seconds are removed. */
const KEPT_FOR = 90 * 86_400
/** A message is for a person. */
const LONGEST_MESSAGE = 1_000

export const jobKey = (job: string): Item => ({
  [jobsTable.partition]: { S: job },
  [jobsTable.sort]: { S: HEAD },
})

export const segmentKey = (job: string, run: string, step: string, segment: number): Item => ({
  [jobsTable.partition]: { S: job },
  [jobsTable.sort]: { S: `${segmentsStart(run, step)}${String(segment).padStart(6, '0')}` },
})

/** How the sort keys of a step's segments begin. */
export const segmentsStart = (run: string, step: string): string => `segment#${run}#${step}#`

/** @param now milliseconds since 1970 */
export const expiry = (now: number): Item => ({
  [jobsTable.expiry]: { N: String(Math.ceil(now / 1000) + KEPT_FOR) },
})

export const headItem = ({ record, run, fence, token, leasedUntil, owner }: Head): Item => ({
  ...jobKey(record.job),
  kind: { S: record.kind },
  state: { S: record.state },
  step: { S: record.step },
  spec: { S: sortedJson(record.spec) },
  segments: { N: String(record.segments) },
  startedAt: { S: record.startedAt },
  updatedAt: { S: record.updatedAt },
  ...(record.endedAt !== undefined && { endedAt: { S: record.endedAt } }),
  by: { S: record.by },
  ...(record.maxRate !== undefined && { [RATE]: { N: String(record.maxRate) } }),
  ...(record.maxLag !== undefined && { [LAG]: { N: String(record.maxLag) } }),
  ...(record.message !== undefined && {
    message: { S: record.message.slice(0, LONGEST_MESSAGE).toWellFormed() },
  }),
  ...(record.result !== undefined && { result: { S: JSON.stringify(record.result) } }),
  run: { S: run },
  fence: { N: String(fence) },
  token: { S: token },
  leasedUntil: { N: String(leasedUntil) },
  ...(owner !== undefined && { owner: { S: owner } }),
  ...expiry(Date.parse(record.updatedAt)),
})

/** A segment's own attributes, without its key. */
export const segmentAttributes = ({
  segment,
  segments,
  start,
  done,
  tally,
  refusals,
}: SegmentProgress): Item => ({
  segment: { N: String(segment) },
  segments: { N: String(segments) },
  done: { BOOL: done },
  ...(start !== undefined && { start: { M: start } }),
  tally: {
    M: {
      items: { N: String(tally.items) },
      bytes: { N: String(tally.bytes) },
      applied: { N: String(tally.applied) },
      skipped: { N: String(tally.skipped) },
      ...(tally.newer !== undefined && { newer: { N: String(tally.newer) } }),
      ...(tally.passed !== undefined && { passed: { N: String(tally.passed) } }),
      refused: { N: String(tally.refused) },
      checksum: { S: tally.checksum },
    },
  },
  ...(refusals !== undefined &&
    refusals.length > 0 && {
      refusals: { L: refusals.map(({ key, why }) => ({ M: { key: { M: key }, why: { S: why } } })) },
    }),
})

/** JSON that equal values share, whatever the order of their members. */
export const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )

/** Goes back to DynamoDB as it came. */
const key = asMap(attributes)

const head = z
  .object({
    job: asText,
    kind: asText,
    state: asOneOf('running', 'stopped', 'failed', 'done'),
    step: asText,
    spec: asJson,
    segments: asCount,
    startedAt: asText,
    updatedAt: asText,
    endedAt: asText.optional(),
    by: asText,
    maxRate: asAmount.optional(),
    maxLag: asAmount.optional(),
    message: asText.optional(),
    result: asJson.optional(),
    run: asText,
    fence: asCount,
    token: asText,
    leasedUntil: asCount,
    owner: asText.optional(),
  })
  .transform(
    ({ run, fence, token, leasedUntil, owner, ...record }): Head => ({
      record,
      run,
      fence,
      token,
      leasedUntil,
      owner,
    }),
  )

const tally = asMap(
  z.object({
    items: asCount,
    bytes: asCount,
    applied: asCount,
    skipped: asCount,
    newer: asCount.optional(),
    passed: asCount.optional(),
    refused: asCount,
    checksum: asText.pipe(z.string().regex(/^[0-9a-f]{32}$/)),
  }),
)

const segment = z
  .object({
    segment: asCount,
    segments: asCount,
    done: asFlag.default(false),
    start: key.optional(),
    tally: tally.default(NOTHING),
    refusals: asList(asMap(z.object({ key, why: asText }))).optional(),
  })
  .transform((progress): SegmentProgress => progress)

const reader = <T>(what: string, schema: z.ZodType<T>) =>
  itemReader(
    schema,
    (cause) => new ForeignJobItemError(`An item of the jobs' table is not a ${what}`, { cause }),
  )

/** Readers of items; a segment that nothing was saved of is at its start. @throws ForeignJobItemError */
export const readHead = reader<Head>('job', head)
export const readSegment = reader<SegmentProgress>('segment', segment)
/** How often workers have begun with a segment. */
export const readAttempt = reader<{ attempt: number }>('segment', z.object({ attempt: asCount.default(0) }))
