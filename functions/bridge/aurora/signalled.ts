import type { OwnerSignal } from '../drivers/owner-signal.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { nothingApplied, type PartialOutcome } from '../model/outcome.ts'
import type { Owner } from '../model/owner.ts'
import { NotTheOwnerError, OwnedBesideError } from '../ports/store.ts'
import type { Judged } from './judge.ts'

type Refusal = { readonly signal: OwnerSignal; readonly cause: unknown }

/**
 * What a change is that a trigger has refused since the other store owns what it writes. Nothing of it was written, and the record
 * says whose its key is by now. Where that is the writer's still, it was another row, which code of the team's own writes with it.
 *
 * @param judged what stands against the change; undefined where the store holds it
 * @param by the store whose write the change is
 */
export const outcomeOfSignal = (
  entity: Entity,
  change: Change,
  judged: Judged | undefined,
  by: Owner,
  { signal, cause }: Refusal,
): PartialOutcome => {
  if (judged === undefined) return { ...nothingApplied, skipped: 1 }
  if (judged.is === 'overruled') return { ...nothingApplied, skipped: 1, overruled: [judged.overruled] }
  const error = judged.is === 'refused' ? judged.error : besideError(entity, change, by, { signal, cause })
  return { ...nothingApplied, refused: [{ change, error }] }
}

/** The error of a change whose key is its writer's, and which writes another one's with it. */
export const besideError = (
  entity: Entity,
  { key }: Change,
  by: Owner,
  { signal, cause }: Refusal,
): NotTheOwnerError | OwnedBesideError => {
  const beside = signal.entity ?? entity.name
  return by === 'aurora'
    ? new NotTheOwnerError(entity, key, 'dynamo', { beside, cause })
    : new OwnedBesideError(entity, beside, { cause })
}
