import type { Item } from '../drivers/dynamo/items.ts'
import { BridgeError } from '../model/errors.ts'

/** What became of items. */
export type Tally = {
  /** Items that were read. */
  readonly items: number
  /** Their size, as DynamoDB counts it. */
  readonly bytes: number
  readonly applied: number
  /** Left as they are, because the target had them already or newer. */
  readonly skipped: number
  /** Of the skipped ones, those of which the target held something later. Absent: none, or not told apart. */
  readonly newer?: number | undefined
  /** Of the skipped ones, those that were not the job's to bring: another entity's, or the other side's. Absent: as above. */
  readonly passed?: number | undefined
  /** What can't be applied and was reported or parked. */
  readonly refused: number
  /** The order-free sum of the items' digests, in 32 hex digits. */
  readonly checksum: string
}

/** An item that DynamoDB refuses for good. */
export type RefusedItem = { readonly key: Item; readonly why: string }

/** How far a job has come in a segment. */
export type SegmentProgress = {
  /** From 0. */
  readonly segment: number
  readonly segments: number
  /** The key behind which it goes on; undefined before the first page. */
  readonly start?: Item | undefined
  readonly done: boolean
  readonly tally: Tally
  /** The first ones; `tally.refused` counts all of them. */
  readonly refusals?: readonly RefusedItem[] | undefined
}

/** A piece of work over a whole table. */
export type JobRecord = {
  readonly job: string
  /** Such as `copy`; lists are made by it. */
  readonly kind: string
  /** `running` stays where its process was killed; the lease then tells that nobody works on it. */
  readonly state: 'running' | 'stopped' | 'failed' | 'done'
  /** What it is at, such as `cleanup`. */
  readonly step: string
  /** What it was begun with, as JSON has it. */
  readonly spec: unknown
  /** Segments of the present step. */
  readonly segments: number
  /** Times are ISO 8601 in UTC. */
  readonly startedAt: string
  readonly updatedAt: string
  readonly endedAt?: string | undefined
  /** Who runs it or ran it last. */
  readonly by: string
  /** The most items a second, of the run that it is at; it may be set anew while that goes on. Absent: no bound. */
  readonly maxRate?: number | undefined
  /** The lag of what is live, in milliseconds, above which it is held back; as `maxRate`. Absent: the usual one. */
  readonly maxLag?: number | undefined
  readonly message?: string | undefined
  readonly result?: unknown
}

export type JobRequest = {
  readonly job: string
  readonly kind: string
  /** Plain JSON. A job that isn't done goes on only with the same. */
  readonly spec: unknown
  /** Of the first step; a job that goes on keeps those that it was begun with. */
  readonly segments: number
  /** The first step. */
  readonly step: string
  /** Who takes it, for people to read. */
  readonly by: string
  /** The most items a second; it may be set anew while the job runs. */
  readonly maxRate?: number | undefined
  /** The lag of what is live, in milliseconds, above which it is held back; as `maxRate`. */
  readonly maxLag?: number | undefined
  /**
   * Starts a done job anew: it would have nothing to do otherwise. `unfinished` also does so with one that stopped or
   * failed, and forgets what that had done.
   */
  readonly again?: boolean | 'unfinished' | undefined
  /**
   * Who takes it, for the store to compare: one owner takes the job from itself at once, without waiting for its own
   * lease. Unique to a run whose repeats have the same, such as an execution of a state machine.
   */
  readonly owner?: string | undefined
}

/**
 * The right to work on a job, for one owner at a time. It lasts 60 s and is renewed by itself until `end`; every write
 * asserts that it still holds.
 */
export interface JobLease {
  readonly record: JobRecord
  /** Of the present step, each segment once. */
  readonly progress: readonly SegmentProgress[]
  /** Aborts when it turns out that another owner has the job. */
  readonly lost: AbortSignal
  /** @throws JobBusyError when another owner has the job */
  save(progress: SegmentProgress): Promise<void>
  /** Goes to the next step; its segments all start. @throws JobBusyError */
  step(next: string, segments?: number): Promise<void>
  /** Gives the job back. @throws JobBusyError */
  end(
    state: 'done' | 'stopped' | 'failed',
    more?: { readonly message?: string; readonly result?: unknown },
  ): Promise<void>
  /** Works on it no more, and leaves the lease to whoever else has it, or to its end. */
  leave(): void
}

/** How long a lease lasts without a renewal, in milliseconds: whoever works on a job says so at least this often. */
export const LEASE = 60_000

/** Whether somebody works on a job: one that was killed says `running` for ever. @param now milliseconds since 1970 */
export const isAlive = ({ state, updatedAt }: JobRecord, now: number): boolean =>
  state === 'running' && now - Date.parse(updatedAt) < LEASE

/** Somebody else works on the job, or has taken it over. */
export class JobBusyError extends BridgeError {
  override readonly name = 'JobBusyError'
  readonly code = 'job.busy'
  readonly kind = 'transient'
}

/** The job was begun with another request and isn't done. */
export class JobChangedError extends BridgeError {
  override readonly name = 'JobChangedError'
  readonly code = 'job.changed'
  readonly kind = 'configuration'
}
