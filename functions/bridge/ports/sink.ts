import type { Change } from '../model/change.ts'
import type { PartialOutcome } from '../model/outcome.ts'
import type { ParkedHead, WaitsFor } from './parked.ts'

/**
 * A store that takes changes. It guards itself: a change that comes twice, late, or from an invocation that was given
 * up, does nothing. What it keeps is known by name, as changes have it in `entity`; all else about it is the store's
 * own.
 */
export interface Sink {
  /** The names of what it keeps, each behind those that it refers to. */
  readonly names: readonly string[]
  /**
   * Applies what can be applied and names the rest.
   *
   * @param changes all of one name, in their source's order, repeats allowed
   * @throws BridgeError when the store can't be reached or is not set up
   */
  applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome>
  /** Which of some deletes can't be applied yet, because what they delete is still referred to. */
  blocked(name: string, deletes: readonly Change[]): Promise<ReadonlySet<Change>>
  /** What would have to come, or to go, before a change that was refused as a `dependency` can be applied. */
  waitsFor(change: Change): readonly WaitsFor[]
  /** Whether changes of anything can wait for one of this. */
  isWaitedFor(name: string): boolean
  /** Whether the store holds a later state of the change's key than the change makes. */
  isLater(change: Change): Promise<boolean>
}

/** Where changes come from, beside their stream: what is there now. */
export interface Source {
  /**
   * The changes that make the store what the source is now, for something that is parked.
   *
   * @returns none when there is nothing to do any more
   * @throws InvalidRecordError when what is there can't become a change
   */
  current(head: ParkedHead, at: Date): Promise<readonly Change[]>
}
