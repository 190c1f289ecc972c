import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { QUIET } from '../aurora/authority.ts'
import { FormerRecords, type RowVersion } from '../aurora/former-records.ts'
import { readLifts } from '../aurora/lifts.ts'
import { readOwners, recordOwners } from '../aurora/owners.ts'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import { type ScanPage, scanSegment, WHOLE } from '../drivers/dynamo/scan.ts'
import { isRowKey, readCurrentHead, readOwnHead } from '../dynamo/item-head.ts'
import { findItemKey } from '../dynamo/item-key.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type Extent, measureExtent } from '../jobs/forecast.ts'
import { isAlive, type RefusedItem, type Tally } from '../jobs/jobs.ts'
import { runJob } from '../jobs/run-job.ts'
import {
  addTallies,
  type ItemsRun,
  NOTHING,
  type PageOutcome,
  runSegments,
  segmentCount,
} from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import type { ItemHead } from '../ports/item-head.ts'
import type { Parking } from '../ports/parking.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Log } from '../runtime/log.ts'
import { sleep } from '../runtime/retry.ts'
import type { Tables } from '../runtime/tables.ts'
import { writersOf } from './writers.ts'

/*
 * Takes over an entity's records from before there were owners: the row of each key that has an item is DynamoDB's, any other
 * one Aurora's. Writes, and the stream that brings them, go on meanwhile: until the end nothing is refused for its owner.
 */

/** The kind of the job, and its only step. */
const TAKEOVER = 'takeover'

const takeoverJobOf = ({ name }: Pick<Entity, 'name'>): string => `${TAKEOVER}:${name}`

/** Rows are locked for as long as a statement takes: it has no more of them than this. */
const PAGE = 500
/** Items that are read again at once. */
const LANES = 8

export type TakeoverParts = {
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly parking: Pick<Parking, 'parkedOf'>
  readonly jobs: DynamoJobs
  /** Which database it is: a job of another one is not gone on with. */
  readonly database: string
  readonly deadline: Deadline
  readonly log?: Pick<Log, 'warn'> | undefined
  /** Lets so many milliseconds pass. @default waits; another one is for where nothing comes late, as in a test */
  readonly pass?: typeof sleep | undefined
}

/** What a takeover is about to do. */
export type TakeoverPlan = {
  readonly entity: Entity
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  /** Since when the entity's owners are known; undefined: they are not. */
  readonly since: string | undefined
  readonly segments: number
  readonly segmentsDone: number
  /** The table in DynamoDB, and the items that it is believed to have, those of other entities included. */
  readonly table: string
  readonly estimate: number
  /** As `estimate`, in bytes, and with what a first page shows. */
  readonly extent: Extent
}

/**
 * Looks at what there is to do.
 *
 * @param options `again` goes once more over an entity whose owners are known, or begins anew what was interrupted
 * @throws MissingTableError, DynamoError, DataApiError
 */
export const planTakeover = async (
  entity: Entity,
  { db, client, tables, jobs, deadline }: TakeoverParts,
  {
    again = false,
    segments,
    signal,
  }: {
    readonly again?: boolean | undefined
    readonly segments?: number | undefined
    readonly signal?: AbortSignal | undefined
  } = {},
): Promise<TakeoverPlan> => {
  const table = tables.of(entity.item.table)
  const bounds = { deadline, signal }
  const believed = await describeTable(client, table, bounds)
  const { items: estimate } = believed
  const since = (await readOwners(db)).get(entity.name)
  const job = takeoverJobOf(entity)
  const record = await jobs.read(job)
  const extent = await measureExtent(
    believed,
    scanSegment({ client, table, ...WHOLE, ...bounds, pageItems: PAGE }),
  )
  const facts = { entity, job, since, table, estimate, extent }
  const isUnfinished = record !== undefined && record.state !== 'done'
  if (isUnfinished && !again) {
    const progress = await jobs.segmentsOf(job, TAKEOVER)
    const segmentsDone = progress.filter(({ done }) => done).length
    return { ...facts, todo: 'go on', segments: record.segments, segmentsDone }
  }
  // A job that is done says nothing of a database that was made anew, or restored, since.
  const todo = since === undefined || again ? 'begin' : 'nothing'
  return { ...facts, todo, segments: segments ?? segmentCount(estimate), segmentsDone: 0 }
}

/** Where an entity stands. */
export type TakeoverState = {
  readonly entity: string
  /** Since when its owners are known, ISO 8601 in UTC; null: they are not. */
  readonly since: string | null
  /** Of the job: `never` begun; `stopped` can go on. */
  readonly state: 'never' | 'running' | 'stopped' | 'failed' | 'done'
  readonly segments: number
  readonly segmentsDone: number
  /** When an item of it was lifted last, ISO 8601 in UTC; null: never. */
  readonly lifted: string | null
  readonly writers: ReturnType<typeof writersOf>
}

/** Tells of each entity whether its owners are known, and how far the job is. @param now milliseconds since 1970 */
export const listTakeovers = async (
  entities: readonly Entity[],
  { db, jobs }: Pick<TakeoverParts, 'db' | 'jobs'>,
  now: number = Date.now(),
): Promise<readonly TakeoverState[]> => {
  const [known, lifts] = [await readOwners(db), await readLifts(db)]
  const records = new Map((await jobs.list(TAKEOVER)).map((record) => [record.job, record]))
  return inLanes(entities, LANES, async (entity) => {
    const record = records.get(takeoverJobOf(entity))
    const since = known.get(entity.name) ?? null
    const lifted = lifts.get(entity.name)
    const own = {
      ...{ entity: entity.name, since, lifted: lifted ?? null },
      writers: writersOf(lifted, new Date(now)),
    }
    if (record === undefined) return { ...own, state: 'never', segments: 0, segmentsDone: 0 }
    const progress = record.state === 'done' ? [] : await jobs.segmentsOf(record.job, TAKEOVER)
    return {
      ...own,
      state: record.state === 'running' && !isAlive(record, now) ? 'stopped' : record.state,
      segments: record.segments,
      segmentsDone: record.state === 'done' ? record.segments : progress.filter(({ done }) => done).length,
    }
  })
}

/** How far a run came. */
export type TakeoverOutcome = {
  /** False when it was interrupted, behind whole pages: it goes on there. */
  readonly done: boolean
  /** Of all runs together; `applied` are the rows and tombstones that were given to DynamoDB, `refused` those to look at. */
  readonly tally: Tally
  /** The first keys to look at, with the reason. */
  readonly refusals: readonly RefusedItem[]
  readonly segments: number
  readonly segmentsDone: number
}

/**
 * Takes an entity over as planned. Its owners are known when all is done; from then on writes are refused at the side that
 * doesn't own their key.
 *
 * @throws JobBusyError while somebody else is at it; InvalidRecordError for an item that says of its owner what can't be: it
 *   goes on once that is mended; what `runJob` throws
 */
export const runTakeover = async (
  { entity, job, todo, table, segments }: TakeoverPlan,
  parts: TakeoverParts & ItemsRun,
): Promise<TakeoverOutcome> => {
  const { client, db, jobs, by, deadline, limiter, pace, concurrency = 4, onBegin, onProgress, log } = parts
  const spec = { table, database: parts.database }
  const again = todo === 'begin' && ('unfinished' as const)
  const { maxRate } = parts
  const request = { job, kind: TAKEOVER, spec, segments, step: TAKEOVER, by, again, maxRate }
  return runJob(request, { jobs, signal: parts.signal, log }, async ({ lease, signal }) => {
    onBegin?.(addTallies(lease.progress.map(({ tally }) => tally)))
    const isKnown = (await readOwners(db)).has(entity.name)
    const records = new FormerRecords(db)
    const bounds = { client, table, limiter, deadline, signal, pageItems: PAGE }
    const progress = await runSegments({
      lease,
      segments: lease.record.segments,
      concurrency,
      scan: (segment, start) => scanSegment({ ...bounds, segment, segments: lease.record.segments, start }),
      page: (page) => takePage({ entity, isKnown, records }, page, parts),
      deadline,
      pace,
      signal,
      onProgress,
    })
    lease.lost.throwIfAborted()
    let done = progress.every((segment) => segment.done)
    if (done && !isKnown) {
      await takeParked(entity, records, parts)
      done = await rest(signal, parts.pass)
      lease.lost.throwIfAborted()
      if (done) await recordOwners(db, entity)
    }
    const tally = addTallies(progress.map((segment) => segment.tally))
    const { items, applied, skipped, refused } = tally
    return {
      done,
      result: { items, applied, skipped, refused },
      tally,
      refusals: progress.flatMap((segment) => segment.refusals ?? []),
      segments: lease.record.segments,
      segmentsDone: progress.filter((segment) => segment.done).length,
    }
  })
}

/** Nothing is given to DynamoDB for a while. @returns whether it was not interrupted */
const rest = async (signal: AbortSignal, pass = sleep): Promise<boolean> => {
  try {
    await pass((QUIET + 1) * 1_000, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

type Work = { readonly entity: Entity; readonly isKnown: boolean; readonly records: FormerRecords }

const takePage = async (
  { entity, isKnown, records }: Work,
  { items }: ScanPage,
  parts: TakeoverParts,
): Promise<PageOutcome> => {
  const heads = items.flatMap((item) => readOwnHead(entity, item) ?? [])
  const { taken, refusals } = isKnown
    ? await takeProved(entity, heads, records)
    : await takeAll(entity, heads, records, parts)
  return {
    ...NOTHING,
    items: items.length,
    bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
    applied: taken,
    skipped: Math.max(0, items.length - taken),
    refused: refusals.length,
    refusals,
  }
}

type Taken = { readonly taken: number; readonly refusals: readonly RefusedItem[] }

const takeAll = async (
  entity: Entity,
  heads: readonly ItemHead[],
  records: FormerRecords,
  parts: TakeoverParts,
): Promise<Taken> => {
  const { taken, ahead } = await records.take(entity, heads)
  const refusals = await inLanes(ahead, LANES, async ({ key, version }) => {
    // The scan may have read an item before its last write, which the row has already.
    const now = await readCurrentHead(entity, key, parts)
    return now === undefined || now.version >= version
      ? []
      : [refusal(entity, key, `the row is at version ${version}, its item at ${now.version}`)]
  })
  return { taken, refusals: refusals.flat() }
}

const takeProved = async (
  entity: Entity,
  heads: readonly ItemHead[],
  records: FormerRecords,
): Promise<Taken> => {
  const { taken, silent } = await records.takeProved(entity, heads)
  const why = 'both sides say that the key is theirs, and the row is not what the item is'
  return { taken, refusals: silent.map(({ key }: RowVersion) => refusal(entity, key, why)) }
}

const refusal = (entity: Entity, key: string, why: string): RefusedItem => ({
  key: findItemKey(entity, key) ?? {},
  why,
})

/** Keys whose last change waits for something have no item any more where that is a delete; they are DynamoDB's all the same. */
const takeParked = async (
  entity: Entity,
  records: FormerRecords,
  { parking }: Pick<TakeoverParts, 'parking'>,
): Promise<void> => {
  const heads = [...(await parking.parkedOf(entity.name)).keys()]
    .filter((key) => isRowKey(entity, key))
    .map((key): ItemHead => ({ key, version: 0n, at: undefined }))
  await records.take(entity, heads)
}
