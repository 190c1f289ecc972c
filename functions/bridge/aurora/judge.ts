import type { Change, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Overruled } from '../model/outcome.ts'
import { KeyCollationError, KeyTakenError, MissingParentError } from './refusals.ts'
import type { Standing } from './standing.ts'

/** What a change meets: something that overrules it, or what refuses it, or nothing but a writer that was faster. */
export type Judged =
  | { readonly is: 'overruled'; readonly overruled: Overruled }
  | { readonly is: 'refused'; readonly error: Error }
  | { readonly is: 'open' }

/** A row counts before its tombstone: that is of an earlier life, or of a delete that is about to take the row. */
export const judge = (entity: Entity, change: Change, row: Standing): Judged => {
  const held = versionOfText(row.held)
  const gone = versionOfText(row.gone)
  const standing = held ?? gone
  if (standing !== undefined && standing >= change.version) {
    const op = held === undefined ? 'delete' : 'upsert'
    const ofSameWrite = op === 'upsert' && standing === change.version && Number(row.own ?? 0) === 1
    return {
      is: 'overruled',
      overruled: { change, held: { version: standing, op, row: async () => undefined }, ofSameWrite },
    }
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

/** What overrules a delete: its row, which is at the same version or a later one. */
export const judgeDelete = (change: Change, row: Pick<Standing, 'held'>): Judged => {
  const held = versionOfText(row.held)
  return held === undefined || held < change.version
    ? { is: 'open' }
    : {
        is: 'overruled',
        overruled: { change, held: { version: held, op: 'upsert', row: async () => undefined } },
      }
}

const versionOfText = (text: string | null): Version | undefined => (text === null ? undefined : BigInt(text))
