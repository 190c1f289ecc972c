import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'

/** The last record of the side that has lost a key, as what a move brings: it was written before that. */
export const changeOfClaim = (entity: Entity, last: KeyRecord, { epoch }: Authority): Change => {
  const { key, version, at } = last
  const own = { entity: entity.name, key, version, epoch: epoch - 1n, source: 'claim' }
  const written = at ?? new Date().toISOString()
  return last.state === 'held'
    ? { ...own, at: written, op: 'upsert', row: last.row }
    : { ...own, at: written, op: 'delete' }
}
