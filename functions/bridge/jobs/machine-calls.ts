import * as z from 'zod'
import type { JobSegment } from './job-workers.ts'

/*
 * How a state machine calls a function over a job that outgrows one invocation: `plan`, then `segment` for each segment of each
 * step (a step begins when the one before has ended; a segment that isn't done is called again), then `conclude`.
 */

/** What `plan` adds to a request: all of the machine's later calls show the token of the lease that it took. */
export type Leased = { readonly token: string }

/** A call of the machine. `R` is what it was started with. */
export type MachineCall<R, L extends Leased, S extends string> =
  | {
      readonly operation: 'plan'
      readonly request: R
      /** The execution's ARN; it may plan again at once, where another one waits for the lease to end. */
      readonly execution?: string | undefined
    }
  | SegmentCall<L, S>
  | ConcludeCall<L>

/** A call to work on a segment, until it answers that this is done. */
export type SegmentCall<L extends Leased, S extends string> = {
  readonly operation: 'segment'
  readonly request: L
} & JobSegment<S>
/** The last call, when all segments are done. */
export type ConcludeCall<L extends Leased> = { readonly operation: 'conclude'; readonly request: L }

/** How requests are read, and what a call that is none is refused with. */
export type MachineRequests<R, L extends Leased, S extends string> = {
  readonly steps: readonly [S, ...S[]]
  readonly request: (given: unknown) => R
  readonly leased: (given: unknown) => L
  readonly refused: (problems: readonly string[], cause: z.ZodError) => Error
}

const number = z.int('is not a whole number').min(0, 'is below 0')

/**
 * Reads calls of a state machine.
 *
 * @returns of an event that names no operation undefined; what it reads throws what `refused` gives, and what the requests throw
 */
export const machineCalls = <R, L extends Leased, const S extends string>({
  steps,
  request,
  leased,
  refused,
}: MachineRequests<R, L, S>): ((event: unknown) => MachineCall<R, L, S> | undefined) => {
  const calls = z.discriminatedUnion('operation', [
    z.strictObject({ operation: z.literal('plan'), request: z.unknown(), execution: z.string().optional() }),
    z.strictObject({
      operation: z.literal('segment'),
      request: z.unknown(),
      step: z.enum(steps),
      segment: number,
      segments: number,
      // What the call before answered comes back with the rest.
      done: z.boolean().optional(),
    }),
    z.strictObject({ operation: z.literal('conclude'), request: z.unknown() }),
  ])
  return (event) => {
    if (typeof event !== 'object' || event === null || !Object.hasOwn(event, 'operation')) return undefined
    const read = calls.safeParse(event)
    if (!read.success)
      throw refused(
        read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()),
        read.error,
      )
    const call = read.data
    if (call.operation === 'plan') return { ...call, request: request(call.request) }
    if (call.operation === 'conclude') return { operation: 'conclude', request: leased(call.request) }
    const { operation, step, segment, segments } = call
    return { operation, request: leased(call.request), step, segment, segments }
  }
}
