import type { Change } from '../model/change.ts'
import type { PartialOutcome, Refused } from '../model/outcome.ts'

/**
 * A store that takes changes. It guards itself: a change that comes twice, late, or from an invocation that was given
 * up, does nothing; and it says what it holds instead, wherever it can't prove that it was a repeat. What it keeps is known by name, as changes have it in `entity`; all else about it is the store's
 * own.
 */
export interface Sink {
  /** The names of what it keeps, each behind those that it refers to. */
  readonly names: readonly string[]
  /**
   * Applies what can be applied and names the rest, by the very objects that it was given.
   *
   * @param changes all of one name, in their source's order, repeats allowed; the last of each key counts
   * @throws BridgeError when the store can't be reached or is not set up
   */
  applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome>
  /** Whether the store holds a later state of the change's key than the change makes. */
  isLater(change: Change): Promise<boolean>
  /**
   * Which of some upserts of one name, one for each key, it doesn't hold with their version and content. It writes nothing.
   * Absent where it can't tell.
   */
  readonly unheld?: (name: string, changes: readonly Change[]) => Promise<ReadonlySet<Change>>
  /** Absent where no change ever waits for another one. */
  readonly references?: References
}

/** How what a store keeps hangs together: what a change that it refuses as a `dependency` waits for. */
export type References = {
  /** Which of some deletes can't be applied yet, because what they delete is still referred to. Absent: none. */
  readonly blocked?: (name: string, deletes: readonly Change[]) => Promise<ReadonlySet<Change>>
  /** What would have to come, or to go, before such a change can be applied, that was refused so. */
  readonly waitsFor: (change: Change, error: Error) => readonly WaitsFor[]
  /**
   * Applies those that can only be applied together, in steps that nobody sees: rows that name each other, values that
   * change places. The refused ones are by name. Absent: there are none.
   *
   * @returns those that are applied now
   */
  readonly untangle?: (refused: ReadonlyMap<string, readonly Refused[]>) => Promise<ReadonlySet<Change>>
  /** Whether changes of one name may wait for each other, by way of those of other names too. Absent: none may. */
  readonly isCircular?: (name: string) => boolean
  /** How changes may wait for one of this: for its `key`, for `any` of its name, or `never`. */
  readonly howWaitedFor: (name: string) => 'key' | 'any' | 'never'
}

/** What a change waits for: `key` absent means any change of that entity may help. */
export type WaitsFor = { readonly entity: string; readonly key?: string }
