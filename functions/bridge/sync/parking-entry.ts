import { subjectOf } from '../model/change.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import type { Refused } from '../model/outcome.ts'
import type { Rejected } from '../normalise/stream.ts'
import type { Parked, ParkedClass } from '../ports/parked.ts'
import type { Sink } from '../ports/sink.ts'
import type { CountName, Metrics } from '../runtime/metrics.ts'

/** How a record that can't become a change is set aside. */
export const parkedRecord = ({ sequenceNumber, entity, key, version, record, error }: Rejected): Parked => ({
  entity,
  key: key ?? `?${sequenceNumber}`,
  ...(version === undefined ? {} : { version }),
  class: 'data',
  code: error.code,
  message: error.message,
  sequenceNumber,
  payload: JSON.stringify(record),
})

/**
 * How a change that the store refuses is set aside.
 *
 * @param evidence the stream record that it came from, or what else tells the operator most
 */
export const parkedChange = (
  sink: Sink,
  { change, error }: Refused,
  { sequenceNumber, payload }: { readonly sequenceNumber?: string; readonly payload: string },
): Parked => {
  const kind: ParkedClass = kindOf(error) === 'dependency' ? 'dependency' : 'data'
  const waitsFor = kind === 'data' ? [] : sink.waitsFor(change)
  return {
    entity: change.entity,
    key: subjectOf(change),
    version: change.version,
    op: change.op,
    class: kind,
    code: error instanceof BridgeError ? error.code : error.name,
    message: error.message,
    ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
    ...(waitsFor.length === 0 ? {} : { waitsFor }),
    payload,
  }
}

/** Refusals that are counted by a name of their own, too. */
const COUNTED: Readonly<Record<string, CountName>> = { 'target.taken': 'Collisions' }

/** Counts what has been parked. */
export const countParked = (parked: readonly Parked[], metrics: Metrics): void => {
  for (const { entity, code } of parked) {
    metrics.count('Parked', entity, 1)
    const own = COUNTED[code]
    if (own !== undefined) metrics.count(own, entity, 1)
  }
}
