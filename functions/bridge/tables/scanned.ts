import type { Change, Row, Version } from '../model/change.ts'
import { SEQUENCE_SPACE, versionOf } from '../normalise/stream-record.ts'
import { keyText } from './keys.ts'
import { projectRow, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'

/**
 * How much a clock of ours may be ahead of DynamoDB's, and how far an eventually consistent read may lag behind, in
 * seconds, together: what was read so shortly after a write ranks below it, and the stream brings the write.
 */
const OVERLAP = 300

/**
 * The version of what a scan has read, where writers count none: below each record of the stream at or after the time
 * when the page's read began.
 *
 * @param readAt milliseconds since 1970
 */
export const scanVersion = (readAt: number): Version =>
  BigInt(Math.max(1, Math.floor(readAt / 1000) - OVERLAP)) * SEQUENCE_SPACE

/**
 * An item that a scan has read as a change of the target.
 *
 * @returns undefined for one that has no place there
 * @throws InvalidRecordError when it can't be projected
 */
export const scannedChange = (projection: Projection, row: Row, readAt: number): Change | undefined => {
  const { from } = projection
  const projected = projectRow(projection, row)
  return (
    projected &&
    upsertOf(projection, projected, {
      sourceKey: keyText(from.key, row),
      version: from.versions === 'counted' ? versionOf(row) : scanVersion(readAt),
      source: 'scan',
      at: new Date(readAt).toISOString(),
    })
  )
}
