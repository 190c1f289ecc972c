import * as z from 'zod'
import type { Once } from '../http/idempotency-key.ts'
import { Problem } from '../http/problem.ts'
import type { HttpResponse } from '../http/response.ts'
import { BridgeError } from '../model/errors.ts'
import type { Stored } from '../ports/store.ts'

/** A create that is done once, and the answer that its state makes. */
export type OnceRequest = Once & { readonly answer: (stored: Stored) => HttpResponse }

/** What is kept of a create that was done. */
export type FirstAnswer = { readonly fingerprint: string; readonly response: HttpResponse }

/** How long an answer is kept, in milliseconds: a week, so that a repeat outlives a weekend. */
export const KEPT_FOR = 7 * 24 * 60 * 60 * 1000

/** Whether an answer came from a record and not from this very request. */
export type OnceAnswer = { readonly response: HttpResponse; readonly replayed: boolean }

/** A record that is none: somebody else has written it, and no repeat helps. */
export class IdempotencyRecordError extends BridgeError {
  override readonly name = 'IdempotencyRecordError'
  readonly code = 'idempotency.record'
  readonly kind = 'configuration'
}

const response = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string().exactOptional(),
})

/** An answer as it is kept. */
export const toRecord = (answer: HttpResponse): string => JSON.stringify(answer)

/** @throws IdempotencyRecordError */
export const fromRecord = (text: string): HttpResponse => {
  const parsed = response.safeParse(parse(text))
  if (parsed.success) return parsed.data
  throw new IdempotencyRecordError('The record of an idempotency key holds no answer', {
    cause: parsed.error,
  })
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new IdempotencyRecordError('The record of an idempotency key is not JSON', { cause })
  }
}

/**
 * Answers a request from the record of its key.
 *
 * @param own what this request itself would have answered, had it been the first: then the record is its own, and only
 *   the word of it was lost
 * @throws Problem 422 when the key was used for another request
 */
export const replay = (first: FirstAnswer, once: Once, own?: HttpResponse): OnceAnswer => {
  if (first.fingerprint !== once.fingerprint) throw keyReused()
  return {
    response: first.response,
    replayed: own === undefined || toRecord(own) !== toRecord(first.response),
  }
}

/** A key stands for one request. */
export const keyReused = (): Problem =>
  new Problem(
    422,
    'idempotency-key-reused',
    'Unprocessable content',
    'This Idempotency-Key was used for another request. Use a new key for a new request.',
  )

/** The first request with this key is still being worked on, or nobody can tell yet. */
export const stillInProgress = (): Problem =>
  new Problem(
    409,
    'idempotency-in-progress',
    'Conflict',
    'A request with this Idempotency-Key is in progress. Repeat it for its answer.',
    { headers: { 'retry-after': '1' } },
  )
