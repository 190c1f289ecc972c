import type { Deadline } from '../runtime/deadline.ts'

/** What a deployment keeps of its time for the migrations themselves, in milliseconds. */
const KEPT = 60_000
/** How long a client's request waits for another run: it has to be answered. In milliseconds. */
const OF_REQUEST = 10_000

/**
 * How long a run of the function waits for another one to end, in milliseconds. One that died keeps the lock for its lease of two
 * minutes: a deployment waits them out, and fails only where the other run is alive.
 */
export const patienceOf = (caller: 'deployment' | 'request', deadline: Deadline): number =>
  caller === 'request' ? OF_REQUEST : Math.max(0, deadline.remaining() - KEPT)
