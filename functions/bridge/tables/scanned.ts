import type { Change, Row } from '../model/change.ts'
import { scanVersion, versionOf } from '../normalise/stream-record.ts'
import { keyText } from './keys.ts'
import { projectRow, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'

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
