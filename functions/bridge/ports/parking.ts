import type { Version } from '../model/change.ts'
import type { Place } from './place.ts'
import type { WaitsFor } from './sink.ts'

/** Why a change can't be applied: it is bad itself, or something that it refers to is not there yet. */
export type ParkedClass = 'data' | 'dependency'

/** A change that can't be applied, to be set aside. */
export type Parked = {
  readonly entity: string
  /** The change's key; for a record so broken that it has none, what tells it apart: see `namelessKey`. */
  readonly key: string
  /** Absent when the record was too broken to tell. Stream-derived ones have up to 40 digits. */
  readonly version?: Version
  readonly op?: 'upsert' | 'delete'
  readonly class: ParkedClass
  /** The error's code and message: they never hold a customer's value. */
  readonly code: string
  readonly message: string
  readonly sequenceNumber?: string
  readonly waitsFor?: readonly WaitsFor[]
  /**
   * Its version tells nothing of its place, as in a conflict, whose two sides have counted apart: what was parked or settled
   * at a larger one is not later. Only the sequence number tells, where there is one.
   */
  readonly byArrival?: true
  /** The whole record (or change) as JSON text. */
  readonly payload: string
}

/** `parked` until a later version was applied, or the change itself was. */
export type ParkedState = 'parked' | 'superseded' | 'applied'

/** What is known of a parked change without its payload. Times are ISO 8601, UTC, milliseconds. */
export type ParkedHead = Omit<Parked, 'payload' | 'byArrival'> & {
  readonly firstSeen: string
  readonly lastSeen: string
  /** How often it was tried and parked, 1 or more. */
  readonly attempts: number
  readonly state: ParkedState
  /** When it ended, of one that is parked no more. */
  readonly resolvedAt?: string
}

/** A parked change and the one thing it waits for that was asked about. */
export type Waiting = { readonly head: ParkedHead; readonly on: WaitsFor }

/** Whether a parked change waits for something else to come or to go, so that it may be applied without a repair. */
export const isWaiting = ({ class: of, waitsFor = [] }: Pick<Parked, 'class' | 'waitsFor'>): boolean =>
  of === 'dependency' || waitsFor.length > 0

/** What ends a parking: a later change that was applied, or the parked one itself. */
export type Resolution = {
  /**
   * Where what was applied stands. A record that was too broken to tell its version is only ended by what is as late in
   * its source's order; by anything, where that has no sequence number.
   */
  readonly upTo: Place
  readonly how: 'superseded' | 'applied'
  readonly at: Date
}

/** Where changes that can't be applied are set aside, so that the others flow on. */
export interface Parking {
  /**
   * Parks changes; one that is parked already gets the newer version's payload, one more attempt and a later lastSeen.
   * At the same version its payload stays. An older version never overwrites a newer one. Of several changes of one key
   * the latest is parked. Which one is later is told by version, but for those that are parked by their arrival.
   *
   * When it throws, some of the changes may be parked; to park all of them again is harmless, but counts an attempt.
   */
  park(changes: readonly Parked[], at: Date): Promise<void>
  /** All that is parked of an entity, by key (heads only): for an operator. What it costs grows with what is parked. */
  parkedOf(entity: string): Promise<ReadonlyMap<string, ParkedHead>>
  /** What is parked of these keys, by key. What it costs depends on the number of keys alone. */
  parkedAmong(entity: string, keys: readonly string[]): Promise<ReadonlyMap<string, ParkedHead>>
  /**
   * Parked changes (of any entity) that wait for one of these keys of an entity; and some of those that wait for any
   * change of it, at the next call the next ones, so that each has its turn. A bounded number, whatever waits: of those
   * that wait for one key the next ones are given once these are resolved.
   */
  waitingFor(entity: string, keys: readonly string[]): Promise<readonly Waiting[]>
  /**
   * Some parked changes of an entity that wait and have not been tried for long, though nothing has woken them, the
   * longest first. A bounded number.
   */
  due(entity: string, at: Date): Promise<readonly ParkedHead[]>
  /**
   * Forgets what was noted only to find what is parked, and is parked no more: later calls cost less, none gives another
   * answer.
   *
   * @param entities all that can wait for each other
   */
  tidy(entities: readonly string[], at: Date): Promise<void>
  /**
   * Ends parking. No-op when it isn't parked or is parked at a later place than `upTo`.
   *
   * @returns whether it ended something
   */
  resolve(of: { readonly entity: string; readonly key: string }, by: Resolution): Promise<boolean>
}
