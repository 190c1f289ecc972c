import type { Version } from '../model/change.ts'

/** Why a change can't be applied: it is bad itself, or something that it refers to is not there yet. */
export type ParkedClass = 'data' | 'dependency'

/** What a parked change waits for: `key` absent means any change of that entity may help. */
export type WaitsFor = { readonly entity: string; readonly key?: string }

/** A change that can't be applied, to be set aside. */
export type Parked = {
  readonly entity: string
  /** The change's key; for a record so broken that it has none: `?<sequence number>`. */
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
  /** The whole stream record (or change) as JSON text. */
  readonly payload: string
}

/** `parked` until a later version was applied, or the change itself was. */
export type ParkedState = 'parked' | 'superseded' | 'applied'

/** What is known of a parked change without its payload. Times are ISO 8601, UTC, milliseconds. */
export type ParkedHead = Omit<Parked, 'payload'> & {
  readonly firstSeen: string
  readonly lastSeen: string
  /** How often it was tried and parked, 1 or more. */
  readonly attempts: number
  readonly state: ParkedState
}

/** A parked change and the one thing it waits for that was asked about. */
export type Waiting = { readonly head: ParkedHead; readonly on: WaitsFor }

/** Where changes that can't be applied are set aside, so that the others flow on. */
export interface Parking {
  /**
   * Parks changes; one that is parked already gets the newer version's payload, one more attempt and a later lastSeen.
   * At the same version its payload stays. An older version never overwrites a newer one. Of several changes of one key
   * the latest is parked.
   *
   * When it throws, some of the changes may be parked; to park all of them again is harmless, but counts an attempt.
   */
  park(changes: readonly Parked[], at: Date): Promise<void>
  /** What is parked of an entity, by key (heads only). Usually empty, then one cheap call. */
  parkedOf(entity: string): Promise<ReadonlyMap<string, ParkedHead>>
  /** Parked changes (of any entity) that wait for this entity; usually empty, then one cheap call. */
  waitingFor(entity: string): Promise<readonly Waiting[]>
  /**
   * Ends parking: `superseded` by a later version that was applied, or `applied` itself. No-op when it isn't parked or
   * is parked at a later version than `upTo`.
   *
   * @param sequenceNumber where what was applied stands in the stream: a record that was too broken to tell its version
   *   is only ended by what is as late in the stream. Absent, by anything
   * @returns whether it ended something
   */
  resolve(
    entity: string,
    key: string,
    upTo: Version,
    how: 'superseded' | 'applied',
    at: Date,
    sequenceNumber?: string,
  ): Promise<boolean>
}

/** What an operator reads. */
export interface ParkingArchive {
  /** What was resolved in the last 90 days, newest first. */
  resolvedOf(entity: string): Promise<readonly ParkedHead[]>
  /** A key's entry with its payload: the parked one, else the one that was resolved last. */
  entryOf(
    entity: string,
    key: string,
  ): Promise<{ readonly head: ParkedHead; readonly payload: string } | undefined>
}
