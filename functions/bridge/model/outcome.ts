import type { Change } from './change.ts'
import { BridgeError } from './errors.ts'

/** How many of a batch's keys changed a row, and how many didn't because the store holds the same or a newer version. */
export type ApplyOutcome = {
  readonly applied: number
  readonly skipped: number
  /** A statement was sent more than once: what it did at first was counted as skipped, if that answer was lost. */
  readonly repeated: boolean
}

/** A change that can't be applied as things are, with the reason. */
export type Refused = { readonly change: Change; readonly error: Error }

/** The outcome of a batch of which some changes could not be applied. */
export type PartialOutcome = ApplyOutcome & { readonly refused: readonly Refused[] }

export const nothingApplied: PartialOutcome = { applied: 0, skipped: 0, repeated: false, refused: [] }

export const sum = (outcomes: readonly PartialOutcome[]): PartialOutcome => ({
  applied: outcomes.reduce((total, { applied }) => total + applied, 0),
  skipped: outcomes.reduce((total, { skipped }) => total + skipped, 0),
  repeated: outcomes.some(({ repeated }) => repeated),
  refused: outcomes.flatMap(({ refused }) => refused),
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
