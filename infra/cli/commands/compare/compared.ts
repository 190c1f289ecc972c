import type { Round } from '../../../../functions/bridge/compare/compare-sides.ts'
import type { Repeated } from '../../../../functions/bridge/compare/repeat-compare.ts'
import type { Wanted } from './wanted.ts'

/** What came of a request, and of its repeats. */
export type Compared = {
  readonly wanted: Wanted
  /** In words. Absent for a list. */
  readonly owner: string | undefined
  readonly round: Round
  readonly repeated: Repeated | undefined
}
