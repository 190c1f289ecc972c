import { BridgeError } from './errors.ts'
import { type Owner, otherOf } from './owner.ts'

const NAMES = { aurora: 'Aurora', dynamo: 'DynamoDB' } as const

const FOREIGN = 'owner.foreign'
const CONFLICTS = '.conflicts'

/**
 * A write that a store has accepted although its key is the other one's: it is never applied for its larger version, and
 * never lost: both images are set aside, for a person to decide.
 */
export class ForeignWriteError extends BridgeError {
  override readonly name = 'ForeignWriteError'
  readonly code = FOREIGN
  readonly kind = 'data'

  /** @param owner whose the key is */
  constructor(owner: Owner) {
    super(
      `${NAMES[otherOf(owner)]} has accepted a write of a key that ${NAMES[owner]} owns. Nothing was changed by it. Give the key to the side that is right with backsync key, write it there, then end this with backsync parked drop`,
    )
  }
}

/** The name under which conflicts over keys of an entity are set aside: beside its parked changes, which come and go. */
export const conflictsOf = (entity: string): string => `${entity}${CONFLICTS}`

/** The entity of such a name; undefined for another one. */
export const entityOfConflicts = (name: string): string | undefined =>
  name.endsWith(CONFLICTS) ? name.slice(0, -CONFLICTS.length) : undefined

/** Whether a conflict that was set aside is such a write. */
export const isForeignWrite = ({ code }: { readonly code: string }): boolean => code === FOREIGN
