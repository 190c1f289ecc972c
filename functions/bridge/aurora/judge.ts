import { type Change, isBirth, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Overruled } from '../model/outcome.ts'
import type { Authority, Owner } from '../model/owner.ts'
import { NotTheOwnerError } from '../ports/store.ts'
import { KeyCollationError, KeyTakenError, MissingParentError } from './refusals.ts'
import type { Standing, StandingAuthority } from './standing.ts'

/** What a change meets: something that overrules it, or what refuses it, or nothing but a writer that was faster. */
export type Judged =
  | { readonly is: 'overruled'; readonly overruled: Overruled }
  | { readonly is: 'refused'; readonly error: Error }
  | { readonly is: 'open' }

/**
 * Whose the key is comes first, then its version. A row counts before its tombstone: that is of an earlier life, or of a
 * delete that is about to take the row.
 *
 * @param by the store whose write the change is
 */
export const judge = (entity: Entity, change: Change, row: Standing, by: Owner): Judged => {
  const held = versionOfText(row.held)
  const gone = versionOfText(row.gone)
  const standing = held ?? gone
  const op = held === undefined ? 'delete' : 'upsert'
  if (standing !== undefined) {
    const ofAuthority = judgeAuthority(entity, change, { ...row, version: standing, op }, by)
    if (ofAuthority !== undefined) return ofAuthority
  }
  const stays = held !== undefined && isBirth(change)
  if (standing !== undefined && (standing >= change.version || stays)) {
    const ofSameWrite = op === 'upsert' && standing === change.version && Number(row.own ?? 0) === 1
    return { is: 'overruled', overruled: { change, held: heldOf(standing, op, row, by), ofSameWrite } }
  }
  if (Number(row.taken) === 1) {
    const error =
      entity.keyParts.length > 0
        ? new KeyCollationError(entity)
        : new KeyTakenError(`The key is the id of a ${entity.name} that has a key of its own`)
    return { is: 'refused', error }
  }
  if (Number(row.missing) === 1) {
    const error = new MissingParentError(`A row that the ${entity.name} refers to is not there`)
    return { is: 'refused', error }
  }
  return { is: 'open' }
}

/** What overrules a delete: its row, which is another's, or at the same version or a later one. */
export const judgeDelete = (
  entity: Entity,
  change: Change,
  row: Pick<Standing, 'held'> & StandingAuthority,
  by: Owner,
): Judged => {
  const held = versionOfText(row.held)
  if (held === undefined) return { is: 'open' }
  const ofAuthority = judgeAuthority(entity, change, { ...row, version: held, op: 'upsert' }, by)
  if (ofAuthority !== undefined) return ofAuthority
  return held < change.version
    ? { is: 'open' }
    : { is: 'overruled', overruled: { change, held: heldOf(held, 'upsert', row, by) } }
}

/** What a record that is not the writer's to change has against a change; undefined where it is. */
const judgeAuthority = (
  entity: Entity,
  change: Change,
  record: StandingAuthority & { readonly version: Version; readonly op: Change['op'] },
  by: Owner,
): Judged | undefined => {
  const authority = authorityOf(record, by)
  if (authority === undefined) return undefined
  const { owner, epoch } = authority
  if (by === 'aurora')
    return owner === 'aurora'
      ? undefined
      : { is: 'refused', error: new NotTheOwnerError(entity, change.key, owner) }
  // It says that it was written before the key was taken over. Whoever took it has the last that was written there.
  const isLate = (change.epoch ?? 0n) < epoch
  if (owner === 'dynamo' && !isLate) return undefined
  const held = heldOf(record.version, record.op, record, by)
  return { is: 'overruled', overruled: { change, held, authority: isLate ? 'late' : 'foreign' } }
}

const heldOf = (
  version: Version,
  op: Change['op'],
  record: StandingAuthority,
  by: Owner,
): Overruled['held'] => {
  const authority = authorityOf(record, by)
  return { version, op, row: async () => undefined, ...authority }
}

/** What a record says of authority; undefined as long as that is not known of all records of the entity. */
const authorityOf = ({ owner, epoch, known, free }: StandingAuthority, by: Owner): Authority | undefined => {
  if (Number(known) !== 1) return undefined
  if (Number(free) === 1) return { owner: by, epoch: 0n }
  return { owner: owner === 'dynamo' ? 'dynamo' : 'aurora', epoch: BigInt(epoch ?? '0') }
}

const versionOfText = (text: string | null): Version | undefined => (text === null ? undefined : BigInt(text))
