import * as z from 'zod'
import { BridgeError } from '../model/errors.ts'

/*
 * What the state machines that fill are started with: how their work is divided, and among how many.
 */

/** Items or rows of a segment: each is to take minutes, and a Distributed Map has many at once. */
const SEGMENT = 50_000
/** There are some in any case: DynamoDB's own figures say nothing of a young table. */
const FEWEST_SEGMENTS = 8
const MOST_SEGMENTS = 1_000

/** How many segments a state machine divides so many items or rows into. */
export const machineSegments = (estimate: number): number =>
  Math.min(MOST_SEGMENTS, Math.max(FEWEST_SEGMENTS, Math.ceil(estimate / SEGMENT)))

/** How many workers a machine has at once, where nobody says: each is a writer more for whatever is filled. */
export const FILL_WORKERS = 8
const MOST_WORKERS = 64

const upTo = (most: number) =>
  z.int('is not a whole number').min(1, 'is below 1').max(most, `is above ${most}`)

/** What all requests for a fill have beside what is filled. */
export const fillRequestFields = {
  /** Goes once more over what was done, or begins anew what was interrupted. */
  again: z.boolean('is not true or false').optional(),
  segments: upTo(MOST_SEGMENTS).optional(),
  /** Workers at once. */
  workers: upTo(MOST_WORKERS).optional(),
  /** Items or rows a second, of all workers together. */
  maxRate: z.number('is not a number').positive('is not above zero').optional(),
  /** The lag of what is live, in milliseconds, above which it is held back. */
  maxLag: z.number('is not a number').positive('is not above zero').optional(),
  /** Who starts it, for people to read. */
  by: z.string('is not a text').max(200, 'is longer than 200 characters').optional(),
} as const

/** What the machine's first call adds. */
export const leasedFields = { token: z.string('is not a text'), workers: upTo(MOST_WORKERS) } as const

/** A request that isn't one; it names each field that is wrong. */
export class FillRequestError extends BridgeError {
  override readonly name = 'FillRequestError'
  readonly code = 'fill.request'
  readonly kind = 'configuration'

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`The request for a fill: ${problems.join('; ')}`, options)
  }
}

/** Reads requests. @returns a function that throws FillRequestError */
export const fillRequestReader =
  <T>(schema: z.ZodType<T>) =>
  (given: unknown): T => {
    const read = schema.safeParse(given)
    if (read.success) return read.data
    throw new FillRequestError(
      read.error.issues.map((issue) =>
        issue.code === 'unrecognized_keys'
          ? `${issue.keys.join(', ')} is not known`
          : `${issue.path.join('.')} ${issue.message}`.trim(),
      ),
      { cause: read.error },
    )
  }

/** The time ran out over what a machine's workers have left of a fill. */
export class FillUnfinishedError extends BridgeError {
  override readonly name = 'FillUnfinishedError'
  readonly code = 'fill.unfinished'
  readonly kind = 'transient'

  constructor(job: string) {
    super(`${job}: the time ran out. Nothing is lost: the same request goes on from there`)
  }
}
