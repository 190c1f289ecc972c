import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'

type Named = Pick<Entity, 'name'>

/** A key can't change hands without a write being lost: its other side holds something that it is not older than. */
export class ClaimConflictError extends BridgeError {
  override readonly name = 'ClaimConflictError'
  readonly code = 'claim.conflict'
  readonly kind = 'client'

  constructor({ name }: Named) {
    super(
      `Both sides hold something of this ${name} that the other one lacks. Write it once more at the side that owns it, wait until the other one has it, then move it`,
    )
  }
}

/** A store that was restored holds something that the other one, which has kept its own, lacks. */
export class WrittenSinceRestoreError extends BridgeError {
  override readonly name = 'WrittenSinceRestoreError'
  readonly code = 'restore.written-since'
  readonly kind = 'client'

  constructor({ name }: Named) {
    super(
      `The store that was restored held something of this ${name} that the other one lacks, and what the other one has was kept. Write it once more where it is needed`,
    )
  }
}

/** What became of a key is not known yet at the side that would take it. */
export class UndecidedError extends BridgeError {
  override readonly name = 'UndecidedError'
  readonly code = 'claim.undecided'
  readonly kind = 'transient'

  constructor({ name }: Named) {
    super(
      `DynamoDB has no such ${name} any more, and Aurora has not heard of its delete yet. Try again after the lag`,
    )
  }
}

/** Another move has the key. */
export class StaleClaimError extends BridgeError {
  override readonly name = 'StaleClaimError'
  readonly code = 'claim.stale'
  readonly kind = 'client'

  constructor({ name }: Named) {
    super(`The ${name} has been moved by somebody else in between. Look whose it is, and decide anew`)
  }
}

/** Nobody knows yet of all keys of the entity whose they are. */
export class OwnersUnknownError extends BridgeError {
  override readonly name = 'OwnersUnknownError'
  readonly code = 'owners.unknown'
  readonly kind = 'client'

  constructor({ name }: Named) {
    super(`Rows of ${name} that came from DynamoDB don't say so yet: run backsync owners take ${name}`)
  }
}

/** A function of the team's own is writing the key: what it will have made of the row isn't known yet. */
export class CallUnderWayError extends BridgeError {
  override readonly name = 'CallUnderWayError'
  readonly code = 'claim.call-under-way'
  readonly kind = 'transient'

  constructor({ name }: Named) {
    super(`The legacyFunction of ${name} is writing this key. Try again when it has ended`)
  }
}
