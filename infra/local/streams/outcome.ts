import * as z from 'zod'
import type { Outcome } from '../lambda/environment.ts'
import type { StreamRecord } from './records.ts'

/** What an invocation means for its batch. */
export type BatchOutcome =
  | { readonly type: 'done' }
  /** Everything before `index` is done; from there on it is delivered again. */
  | { readonly type: 'partial'; readonly index: number }
  /** `functionError` is null when the function answered, but with a report that cannot be used. */
  | { readonly type: 'failed'; readonly functionError: 'Unhandled' | null; readonly reason: string }

const answerSchema = z.object({ batchItemFailures: z.array(z.unknown()).nullish() })

/**
 * Reads an invocation's outcome by the rules of Lambda.
 *
 * @param report whether the mapping has ReportBatchItemFailures; without it every answer is a success
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export const readOutcome = (
  outcome: Outcome,
  batch: readonly StreamRecord[],
  report: boolean,
): BatchOutcome => {
  if (!outcome.ok) {
    return {
      type: 'failed',
      functionError: 'Unhandled',
      reason: `${outcome.error.errorType}: ${outcome.error.errorMessage}`,
    }
  }
  if (!report) return { type: 'done' }
  const answer: unknown = JSON.parse(outcome.payload)
  // Documented successes: null, an empty object, an empty list, an absent, null or empty list of failures.
  if (answer === null || (typeof answer === 'object' && Object.keys(answer).length === 0))
    return { type: 'done' }
  const parsed = answerSchema.safeParse(answer)
  if (!parsed.success) {
    // A bare text or number, or failures that are no list: unconfirmed on AWS; failing is the side that loses nothing.
    return { type: 'failed', functionError: null, reason: 'the answer is no batch response' }
  }
  const failures = parsed.data.batchItemFailures ?? []
  if (failures.length === 0) return { type: 'done' }
  const positions = new Map(batch.map((record, index) => [record.dynamodb.SequenceNumber, index]))
  let lowest = batch.length
  for (const failure of failures) {
    const id = z.object({ itemIdentifier: z.string() }).safeParse(failure)
    const index = id.success ? positions.get(id.data.itemIdentifier) : undefined
    if (index === undefined) {
      return {
        type: 'failed',
        functionError: null,
        reason: 'an itemIdentifier is empty, missing, or not of this batch',
      }
    }
    lowest = Math.min(lowest, index)
  }
  return { type: 'partial', index: lowest }
}
