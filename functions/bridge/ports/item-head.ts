import type { Version } from '../model/change.ts'

/** What an item says of its key without its content, which may be no row's. */
export type ItemHead = {
  readonly key: string
  /** 0 where it has none that counts. */
  readonly version: Version
  /** When it was written, ISO 8601 in UTC; undefined where it doesn't say. */
  readonly at: string | undefined
}
