import type { Item } from '../drivers/dynamo/items.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import type { SegmentProgress, Tally } from '../jobs/jobs.ts'
import { addTallies } from '../jobs/segments.ts'
import { BridgeError, type ErrorKind } from '../model/errors.ts'
import type { CopyPlan } from './copy-plan.ts'

/** A table, or what was read of it: how many items, and the order-free sum of their digests. */
export type TableSum = { readonly items: number; readonly checksum: string }

export type CopyReport = {
  /** Items that were deleted at the destination; absent without that step. */
  readonly cleaned?: number | undefined
  /** Items that were written to it; absent without that step. */
  readonly copied?: number | undefined
  /** The source as it was read for the copy, each item once. What was written to it meanwhile may not be in it. */
  readonly source?: TableSum | undefined
  /** The whole destination, as an independent scan found it afterwards; absent before that has ended. */
  readonly destination?: TableSum | undefined
  /** Whether the two are equal; absent where there is nothing to compare. */
  readonly equal?: boolean | undefined
  /** Items that DynamoDB refused, by their key as JSON: the first of each segment. */
  readonly refused: readonly { readonly key: string; readonly why: string }[]
  /** How many were refused in all. */
  readonly refusedItems: number
  /** False when the time ran out or somebody interrupted; the same request goes on. */
  readonly done: boolean
}

/** What a copy has done, all its runs together. @throws DynamoError, DeadlineError, ForeignJobItemError */
export const readReport = async (
  jobs: DynamoJobs,
  { job, steps }: Pick<CopyPlan, 'job' | 'steps'>,
  done: boolean,
): Promise<CopyReport> => {
  const [cleanup, migrate, verify] = await Promise.all(
    (['cleanup', 'migrate', 'verify'] as const).map(async (step) =>
      steps.includes(step) ? jobs.segmentsOf(job, step) : undefined,
    ),
  )
  const source = migrate && sumOf(migrate)
  const destination = isDone(verify) ? sumOf(verify) : undefined
  const all = [...(cleanup ?? []), ...(migrate ?? [])]
  return {
    ...(cleanup && { cleaned: tallyOf(cleanup).applied }),
    ...(migrate && { copied: tallyOf(migrate).applied }),
    ...(source && { source }),
    ...(destination && { destination }),
    ...(source && destination && { equal: sameSum(source, destination) }),
    refused: all.flatMap(({ refusals = [] }) => refusals.map(({ key, why }) => ({ key: keyJson(key), why }))),
    refusedItems: tallyOf(all).refused,
    done,
  }
}

/** A copy that ended otherwise than it should have. */
export class CopyError extends BridgeError {
  override readonly name = 'CopyError'
  readonly code: 'copy.unfinished' | 'copy.refused-items' | 'copy.not-equal' | 'copy.not-empty'
  readonly kind: ErrorKind
  readonly report: CopyReport

  constructor(code: CopyError['code'], message: string, report: CopyReport) {
    super(message)
    this.code = code
    this.kind = code === 'copy.unfinished' ? 'transient' : 'data'
    this.report = report
  }
}

/**
 * What nobody may overlook, since nobody reads a function's report.
 *
 * A destination that was not cleaned up may hold more than was copied: the report says so, and that is no error.
 *
 * @throws CopyError
 */
export const requireComplete = (report: CopyReport, { job }: { readonly job: string }): CopyReport => {
  const { cleaned, copied, source, destination, equal, refused, refusedItems, done } = report
  if (!done)
    throw new CopyError(
      'copy.unfinished',
      `${job}: the time ran out after ${cleaned ?? 0} deleted and ${copied ?? 0} copied items. Nothing is lost: the same ` +
        'event goes on from there, and the state machine takes as long as it needs',
      report,
    )
  if (refusedItems > 0)
    throw new CopyError(
      'copy.refused-items',
      `${job}: DynamoDB refused ${refusedItems} items, such as ${refused[0]?.key}: ${refused[0]?.why}`,
      report,
    )
  if (cleaned !== undefined && equal === false)
    throw new CopyError(
      'copy.not-equal',
      `${job}: the tables differ, with ${source?.items} items copied and ${destination?.items} at the destination`,
      report,
    )
  if (copied === undefined && destination !== undefined && destination.items > 0)
    throw new CopyError(
      'copy.not-empty',
      `${job}: the destination has ${destination.items} items after its clean-up: something writes to it`,
      report,
    )
  return report
}

const isDone = (segments: readonly SegmentProgress[] | undefined): segments is readonly SegmentProgress[] =>
  segments !== undefined && segments.length > 0 && segments.every(({ done }) => done)

const tallyOf = (segments: readonly SegmentProgress[]): Tally =>
  addTallies(segments.map(({ tally }) => tally))

const sumOf = (segments: readonly SegmentProgress[]): TableSum => {
  const { items, checksum } = tallyOf(segments)
  return { items, checksum }
}

const sameSum = (a: TableSum, b: TableSum): boolean => a.items === b.items && a.checksum === b.checksum

/** Numbers as their digits, binary as base64. */
const keyJson = (key: Item): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(key).map(([name, { S, N, B }]) => [
        name,
        S ?? N ?? (B === undefined ? null : Buffer.from(B).toString('base64')),
      ]),
    ),
  )
