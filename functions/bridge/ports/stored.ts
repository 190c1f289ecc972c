import type { Row, Version } from '../model/change.ts'

/** One key's current state in a store. */
export type Stored = {
  readonly key: string
  readonly row: Row
  readonly version: Version
  /** ISO 8601, UTC, milliseconds; null for a legacy-born row that nobody has changed since it was adopted. */
  readonly updatedAt: string | null
  /** Set by a write that may find something or nothing, when it found nothing. */
  readonly created?: true
}
