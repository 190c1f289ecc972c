import type { Change, Row, Version } from './change.ts'
import { BridgeError } from './errors.ts'
import type { Epoch, Owner } from './owner.ts'

/** How many of a batch's keys changed a row, and how many didn't because of what the store holds. */
export type ApplyOutcome = {
  readonly applied: number
  readonly skipped: number
  /** A statement was sent more than once: what it did at first was counted as skipped, if that answer was lost. */
  readonly repeated: boolean
}

/** A change that can't be applied as things are, with the reason. */
export type Refused = { readonly change: Change; readonly error: Error }

/** What a store holds of a key. */
export type Held = {
  readonly version: Version
  /** `delete`: a tombstone, and no row. */
  readonly op: Change['op']
  /** Whose the key is; absent where the store doesn't know that yet of all its records, or of none. */
  readonly owner?: Owner
  /** By which move; absent where the owner is. */
  readonly epoch?: Epoch
  /** Its content, asked for only where it is shown; undefined when it can't be had. */
  readonly row: () => Promise<Row | undefined>
}

/**
 * A change that did nothing although the store doesn't hold it: what stands there is at a larger version, or at the same
 * one and other. Whether it was late only its source can tell.
 */
export type Overruled = {
  readonly change: Change
  readonly held: Held
  /**
   * For whose the key is: `late`, it says that it was written before the key was taken over, by a claim that has its content
   * then; `foreign`, the store that accepted it had no right to. Absent: it is its version alone.
   */
  readonly authority?: 'late' | 'foreign'
  /** What stands there bears the time of this very write: something in the store may have changed its content. */
  readonly ofSameWrite?: boolean
}

/** Rows that should have been there: they were made anew, or could not be deleted. */
export type Filled = {
  readonly rows: number
  /** Their keys, where those could be told. */
  readonly keys: readonly string[]
}

/** The outcome of a batch of which some changes could not be applied. */
export type PartialOutcome = ApplyOutcome & {
  readonly refused: readonly Refused[]
  /** Some of the skipped: of all others the store has proved that they were repeats. */
  readonly overruled: readonly Overruled[]
  /**
   * Changes of keys that had been written before, of which the store had neither row nor tombstone: some of the applied, and the
   * deletes among the skipped.
   */
  readonly filled: Filled
}

export const nothingApplied: PartialOutcome = {
  applied: 0,
  skipped: 0,
  repeated: false,
  refused: [],
  overruled: [],
  filled: { rows: 0, keys: [] },
}

export const sum = (outcomes: readonly PartialOutcome[]): PartialOutcome => ({
  applied: outcomes.reduce((total, { applied }) => total + applied, 0),
  skipped: outcomes.reduce((total, { skipped }) => total + skipped, 0),
  repeated: outcomes.some(({ repeated }) => repeated),
  refused: outcomes.flatMap(({ refused }) => refused),
  overruled: outcomes.flatMap(({ overruled }) => overruled),
  filled: {
    rows: outcomes.reduce((total, { filled }) => total + filled.rows, 0),
    keys: outcomes.flatMap(({ filled }) => filled.keys),
  },
})

/** Others wrote the same keys again and again between our statements. */
export class UnsettledError extends BridgeError {
  override readonly name = 'UnsettledError'
  readonly code = 'writer.unsettled'
  readonly kind = 'transient'
}

/** Something else refers to what is to be deleted. */
export class StillReferencedError extends BridgeError {
  override readonly name = 'StillReferencedError'
  readonly code = 'row.referenced'
  readonly kind = 'dependency'
}

/** The code of a change that waits until somebody else lets go of a row. */
export const LOCKED = 'row.locked'

/** Somebody else holds the change's row, or one that it needs, for longer than it may wait. It passes when they let it go. */
export class LockedRowError extends BridgeError {
  override readonly name = 'LockedRowError'
  readonly code = LOCKED
  readonly kind = 'transient'

  constructor({ name }: { readonly name: string }) {
    super(
      `Somebody else holds the row of the ${name}, or one that it needs: it is tried again until they let it go`,
    )
  }
}
