import * as z from 'zod'
import { describeTable } from '../drivers/dynamo/describe.ts'
import { segmentCount } from '../jobs/segments.ts'
import { bucketCount } from '../verify/bucket-sums.ts'
import {
  type ComparisonOutcome,
  type ComparisonRun,
  type ReadBounds,
  runComparison,
} from '../verify/comparison.ts'
import { itemSide } from '../verify/items.ts'
import { VerificationLedger } from '../verify/ledger.ts'
import type { ComparedSides } from '../verify/sides.ts'
import type { FillParts } from './fill.ts'
import { itemsAt, type LookedPair, lookAtPairs } from './look-pairs.ts'
import { hashedKept, hashedSource, pairOf } from './pairs.ts'
import type { Projection } from './projection.ts'
import { type TableDifference, type TableDivergences, tableDifference } from './table-divergences.ts'

/*
 * A kept table against its source, by the engine that compares the stores of entities: the source is what leads, `rows`, and the kept
 * table the `items`.
 */

type TableStep = 'items' | 'rows' | 'narrow' | 'strays' | 'look'
const STEPS: readonly [TableStep, ...TableStep[]] = ['items', 'rows', 'narrow', 'strays', 'look']

/** How both are divided, for as long as a verification goes on. */
type TableDivision = { readonly buckets: number; readonly items: number; readonly rows: number }

/** How a kept table and its source are read to be compared. */
export type TableVerifyPlan = {
  readonly projection: Projection
  readonly job: string
  readonly todo: 'begin' | 'go on'
  readonly division: TableDivision
  /** Items that both are believed to have, together. */
  readonly estimate: number
}

/** What a verification of a kept table has found. */
export type TableVerification = {
  readonly name: string
  /** When it ended, and when it began: what it says holds of what was written before that. ISO 8601, UTC. */
  readonly at: string
  readonly freshAt: string
  readonly equal: boolean
  /** Items that were compared: of the source those that have a place, or have no form. */
  readonly source: number
  readonly target: number
  readonly differences: TableDivergences
  /** Those that were written whenever they were looked at: of these it says nothing. */
  readonly unsettled: number
}

export type TableVerifyOutcome = ComparisonOutcome<TableStep> & {
  /** Undefined as long as it isn't done. */
  readonly verification: TableVerification | undefined
}

/** The job that verifies a kept table. */
export const verifyJobOf = ({ name }: Pick<Projection, 'name'>): string => `verify-table:${name}`

/**
 * Looks at what there is to compare.
 *
 * @param options.again begins anew what was interrupted; one that has ended is always begun anew
 * @throws MissingTableError, DynamoError, DeadlineError; the signal's reason
 */
export const planTableVerify = async (
  projection: Projection,
  { sync, jobs, signal }: FillParts & { readonly signal?: AbortSignal | undefined },
  { again = false, segments }: { readonly again?: boolean; readonly segments?: number | undefined } = {},
): Promise<TableVerifyPlan> => {
  const { client, tables, deadline } = sync
  const counts = await Promise.all(
    [projection.name, projection.from.name].map(async (name) => {
      const { items } = await describeTable(client, tables.of(name), { deadline, signal })
      return items
    }),
  )
  const [items = 0, rows = 0] = counts
  const job = verifyJobOf(projection)
  const record = await jobs.read(job)
  const kept = record === undefined ? undefined : storedDivision.safeParse(record.spec).data
  const facts = { projection, job, estimate: items + rows }
  if (again || kept === undefined || record?.state === 'done') {
    const division = {
      buckets: bucketCount(Math.max(items, rows)),
      items: segments ?? segmentCount(items),
      rows: segments ?? segmentCount(rows),
    }
    return { ...facts, division, todo: 'begin' }
  }
  return { ...facts, division: kept, todo: 'go on' }
}

const count = z.number().int().positive()
const storedDivision: z.ZodType<TableDivision> = z.object({ buckets: count, items: count, rows: count })

/**
 * Compares a kept table with its source. Both may be written meanwhile: what differs is looked at again before it counts.
 *
 * @param parts.patience before what differs is looked at again, in milliseconds. @default 3000
 * @param parts.looks how often that is done, at most. @default 8
 * @throws JobBusyError while somebody else is at it; what `runComparison` throws
 */
export const runTableVerify = async (
  plan: TableVerifyPlan,
  parts: FillParts &
    ComparisonRun<TableStep> & {
      readonly patience?: number | undefined
      readonly looks?: number | undefined
    },
): Promise<TableVerifyOutcome> => {
  const { projection, job, todo, division } = plan
  const { sync, patience = 3_000, looks = 8 } = parts
  const { name, from } = projection
  const spec = { from: sync.tables.of(from.name), to: sync.tables.of(name), ...division }
  const { result, ...outcome } = await runComparison(
    {
      ...{ job, todo, spec, buckets: division.buckets, steps: STEPS, found: tableDifference },
      segmentsFor: (step) => (step === 'look' ? 1 : division[SIDE_OF[step]]),
      open: (bounds) => tableSides(plan, parts, bounds),
      settling: (bounds) => ({
        looks,
        look: (pairs) => lookAtPairs(projection, pairs, { ...sync, ...bounds }),
        patience: async () => patience,
        // The stream doesn't tell what it has still to bring.
        onTheWay: async () => new Set<string>(),
      }),
      tell: (looked) => tellOf(projection, looked, parts),
      unsettled: (key): TableDifference => ({ key, is: 'unsettled', fields: [] }),
      conclude: async (ledger, freshAt) => {
        const { differences, unsettled } = await ledger.counts(NONE)
        const target = await ledger.allSums('items', division.items)
        const source = await ledger.allSums('rows', division.rows)
        const differ = Object.values(differences).reduce((sum, one) => sum + one, unsettled)
        return {
          ...{ name, at: sync.now().toISOString(), freshAt, equal: differ === 0 },
          ...{ source: source.total, target: target.total, differences, unsettled },
        }
      },
    },
    { ...parts, deadline: sync.deadline, log: sync.log },
  )
  return { ...outcome, verification: result }
}

const SIDE_OF = { items: 'items', strays: 'items', rows: 'rows', narrow: 'rows' } as const

const NONE: TableDivergences = {
  ...{ onlySource: 0, onlyTarget: 0, targetBehind: 0, sourceBehind: 0, conflict: 0, typeOnly: 0 },
  ...{ taken: 0, foreign: 0, unfit: 0, parked: 0 },
}

const tableSides = (
  { projection, division }: TableVerifyPlan,
  { sync }: FillParts,
  bounds: ReadBounds,
): ComparedSides<TableDifference> => {
  const { client, tables, deadline } = sync
  const { buckets } = division
  const reading = { client, deadline, ...bounds, buckets, onlyBelow: buckets }
  const target = { ...reading, table: tables.of(projection.name), segments: division.items }
  const source = { ...reading, table: tables.of(projection.from.name), segments: division.rows }
  return {
    buckets,
    items: itemSide(target, (item) => hashedKept(projection, item)),
    rows: itemSide(source, (item) => hashedSource(projection, item)),
    hashesOf: async (texts) => {
      const asked = new Set(texts)
      const places = texts.map((text) => pairOf(text).place)
      const items = await itemsAt(projection, places, { client, tables, deadline, ...bounds })
      const records = [...items.values()].map((item) => hashedKept(projection, item))
      return new Map(records.flatMap(({ key, hash }) => (asked.has(key) ? [[key, hash] as const] : [])))
    },
    // No sample is taken of a kept table.
    hashesOfRows: async () => new Map(),
    differing: async (texts) => {
      const looked = await lookAtPairs(projection, texts, { ...sync, ...bounds })
      return looked.flatMap(({ key, relation }) => (relation.is === 'agree' ? [] : [key]))
    },
    unnamed: () => undefined,
  }
}

/** What is parked is known, and has its payload there. */
const tellOf = async (
  { name }: Projection,
  looked: readonly LookedPair[],
  { sync }: FillParts,
): Promise<readonly TableDifference[]> => {
  const subjects = looked.flatMap(({ pair: { sourceKey } }) => sourceKey ?? [])
  const parked = subjects.length === 0 ? undefined : await sync.parking.parkedAmong(name, subjects)
  return looked.flatMap(({ key, pair, relation, wanted, kept }): TableDifference[] => {
    if (relation.is === 'agree') return []
    const isListed = pair.sourceKey !== undefined && parked?.has(pair.sourceKey) === true
    const isCounted = wanted?.version !== undefined
    return [
      {
        ...{ key, is: isListed ? 'parked' : relation.is, fields: relation.fields },
        ...(isListed && { relation: relation.is }),
        ...(isCounted && { source: String(wanted.version) }),
        ...(isCounted && kept?.stamp !== undefined && { target: String(kept.stamp.version) }),
      },
    ]
  })
}

/** What the verification of a run has found, page by page, in no order. @param run when it began */
export const tableDifferences = (
  { job, run }: { readonly job: string; readonly run: string },
  { jobs }: Pick<FillParts, 'jobs'>,
): AsyncGenerator<readonly TableDifference[]> =>
  new VerificationLedger(jobs.notes, { job, run, buckets: 1 }, tableDifference).differences()
