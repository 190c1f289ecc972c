import type { OnceAnswer, OnceRequest } from '../api/first-answer.ts'
import type { PageRequest } from '../http/paging.ts'
import type { Change, Intent, Row, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'

/** One key's current state in a store. */
export type Stored = {
  readonly key: string
  readonly row: Row
  readonly version: Version
  /** ISO 8601, UTC, milliseconds; null for a legacy-born row that nobody has changed since it was adopted. */
  readonly updatedAt: string | null
}

export type Page = { readonly items: readonly Stored[]; readonly cursor: string | undefined }

/** What the API needs of a store. Both sides of the bridge are one. */
export interface EntityStore {
  get(entity: Entity, key: string): Promise<Stored | undefined>
  list(entity: Entity, page: PageRequest): Promise<Page>
  /**
   * Applies a client's write.
   *
   * @returns the state after it; undefined after a delete
   * @throws Problem 404 when there is nothing to change, 412 when `ifMatch` fails
   */
  write(entity: Entity, change: Change | Intent): Promise<Stored | undefined>
  /**
   * Applies a create that a client may repeat: the row and the answer are kept together or not at all. Records expire
   * by the time of the change, `change.at`.
   *
   * @returns the answer of the first request with this key, whatever became of the row since
   * @throws Problem 422 when the key was used for another request, 409 while the first one is in progress
   */
  createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer>
}

/** Whether a client's If-Match allows a write over the current version. */
export const matches = (ifMatch: readonly Version[] | undefined, current: Version): boolean =>
  ifMatch === undefined || ifMatch.includes(current)
