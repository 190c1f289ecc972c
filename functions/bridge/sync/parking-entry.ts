import type { Refused } from '../aurora/outcome.ts'
import { type Entity, parentsOf, referencesOf } from '../entity.ts'
import { BridgeError, kindOf } from '../errors.ts'
import type { Rejected } from '../normalise/stream.ts'
import type { Parked, ParkedClass, WaitsFor } from '../parking/parked.ts'

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
 * How a change that the database refuses is set aside.
 *
 * @param evidence the stream record that it came from, or what else tells the operator most
 */
export const parkedChange = (
  entity: Entity,
  entities: readonly Entity[],
  { change, error }: Refused,
  { sequenceNumber, payload }: { readonly sequenceNumber?: string; readonly payload: string },
): Parked => {
  const kind: ParkedClass = kindOf(error) === 'dependency' ? 'dependency' : 'data'
  const waitsFor: WaitsFor[] =
    kind === 'data'
      ? []
      : change.op === 'delete'
        ? // The row is referred to: a change of whoever refers to it may set it free.
          entities
            .filter((other) => referencesOf(other).includes(entity.name))
            .map(({ name }) => ({ entity: name }))
        : parentsOf(entity, change)
  return {
    entity: entity.name,
    key: change.key,
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
