import { isTaken } from '../drivers/sql-errors.ts'
import { type Change, subjectOf, type Version } from '../model/change.ts'
import { conflictsOf, ForeignWriteError } from '../model/conflict.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import type { Parked } from '../ports/parking.ts'
import { comparePlaces, type Place } from '../ports/place.ts'
import type { RecordFault } from '../ports/record-reader.ts'
import type { Sink } from '../ports/sink.ts'
import type { Subject } from '../ports/source.ts'
import { OverruledError } from './overruled.ts'

/** What any source hands in: a change, or what it could make none of; with where that stands and what it was made of. */
export type Evidence = {
  /** Beside its version; absent where the source has no order of its own. */
  readonly place?: Place
  /** The whole record, row or item as JSON text, for an operator. Asked for only when it is set aside. */
  readonly payload: () => string
} & ({ readonly change: Change } | { readonly fault: RecordFault & { readonly key: string } })

/** How a change is set aside, where that is not by its own record and version alone. */
export type Aside = {
  /** Makes what is kept of the record's own text. */
  readonly payload?: (record: string) => string
  /** From which on a change of its key gets through. */
  readonly version?: Version
}

/** Whether what refused a change may end by itself: something comes or goes, or somebody lets go of a row. */
export const mayPass = (error: Error): boolean => ['dependency', 'transient'].includes(kindOf(error))

/** The key of what names none. @param number tells it apart from all others of its source */
export const namelessKey = (number: string): string => `?${number}`

/** Whether it is one of these: then there is nothing that its source could be asked about. */
export const isNameless = ({ key, version }: Subject): boolean => key.startsWith('?') && version === undefined

/** Where it stands among the others of its key. */
export const placeOf = (one: Evidence): Place => {
  const { version } = 'fault' in one ? one.fault : one.change
  return { ...one.place, ...(version !== undefined && { version }) }
}

/**
 * How what can't be applied is set aside.
 *
 * @param aside makes what is kept of the evidence's own text, and names a version; @default that text, its own version
 */
export const toParked = (
  one: Evidence,
  error: Error,
  { references }: Sink,
  { payload = (own) => own, version }: Aside = {},
): Parked => {
  const waits = 'change' in one && kindOf(error) === 'dependency'
  const waitsFor = waits ? references?.waitsFor(one.change, error) : undefined
  const of = 'change' in one ? one.change : one.fault
  return {
    ...('change' in one ? { key: subjectOf(one.change), op: one.change.op } : { key: one.fault.key }),
    entity: error instanceof ForeignWriteError ? conflictsOf(of.entity) : of.entity,
    ...placeOf(one),
    ...(version !== undefined && { version }),
    ...(error instanceof OverruledError && { version: error.version }),
    // A value that another row holds may never become free: that is for somebody to decide.
    class: mayPass(error) && !isTaken(error) ? 'dependency' : 'data',
    code: error instanceof BridgeError ? error.code : error.name,
    message: error.message,
    ...(waitsFor && waitsFor.length > 0 && { waitsFor }),
    ...(error instanceof ForeignWriteError && { byArrival: true }),
    payload: withEvidence(payload(one.payload()), error),
  }
}

/** The payload with what its error has to show beside it, as JSON text. */
const withEvidence = (payload: string, error: Error): string => {
  const evidence = error instanceof BridgeError ? error.evidence : undefined
  return evidence === undefined ? payload : `{"record":${payload},"answer":${JSON.stringify(evidence)}}`
}

/**
 * Whether one stands behind another one of its key in their source: by the source's own order where both have a place in
 * it, since versions may step back, else by version.
 */
export const isBehind = (one: Place, other: Place): boolean => {
  const [{ version: _, ...own }, { version: __, ...others }] = [one, other]
  const inOrder = own.sequenceNumber !== undefined && others.sequenceNumber !== undefined
  return (inOrder ? comparePlaces(own, others) : comparePlaces(one, other)) > 0
}

/** What of a source's a change or a fault is about, as one text. */
export const identityOf = (one: Evidence): string =>
  'change' in one
    ? identityOfKey(one.change.entity, subjectOf(one.change))
    : identityOfKey(one.fault.entity, one.fault.key)

export const identityOfKey = (entity: string, key: string): string => JSON.stringify([entity, key])
