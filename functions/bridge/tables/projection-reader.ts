import { isNever, isTombstone } from '../dynamo/authority.ts'
import type { Change, Version } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { decodeItem, type Value } from '../model/values.ts'
import type { TableIndex } from '../normalise/stream.ts'
import {
  createdAt,
  type Image,
  parseRecord,
  type StreamRecord,
  streamVersion,
  versionOf,
} from '../normalise/stream-record.ts'
import type { RecordFault, RecordReader, RecordReading } from '../ports/record-reader.ts'
import { keyText } from './keys.ts'
import { deleteOf, type Occasion, type Projected, projectRow, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'
import type { Table } from './table.ts'

/**
 * Who reads the records of which source table.
 *
 * @param tables table names in DynamoDB by their names in this project
 * @param finished those that take no more changes: records that are for none but them are ignored
 */
export const projectionIndex = (
  projections: readonly Projection[],
  tables: Readonly<Record<string, string>>,
  finished: ReadonlySet<string> = new Set(),
): TableIndex =>
  new Map(
    Object.entries(tables).flatMap(([name, table]) => {
      const own = projections.filter(({ from }) => from.name === name)
      const [first] = own
      const open = own.filter((projection) => !finished.has(projection.name))
      return first === undefined ? [] : [[table, projectionReader(first.from, open)]]
    }),
  )

/**
 * Reads the records of a table for all that is kept of it. An item whose target key has changed is deleted under the
 * old key and upserted under the new one, at the same version.
 */
const projectionReader = (table: Table, projections: readonly Projection[]): RecordReader => ({
  table: table.name,
  read: (record) => {
    const readings = projections.map((projection) => read(record, table, projection))
    return {
      changes: readings.flatMap(({ changes }) => changes),
      faults: readings.flatMap(({ faults }) => faults),
      leftOut: readings.flatMap(({ leftOut = [] }) => leftOut),
    }
  },
})

const read = (record: unknown, table: Table, projection: Projection): RecordReading => {
  const changes: Change[] = []
  const known: { key: string | undefined; version: Version | undefined } = {
    key: undefined,
    version: undefined,
  }
  const faults: RecordFault[] = []
  const leftOut: string[] = []
  try {
    const parsed = parseRecord(record)
    const sourceKey = keyText(table.key, parsed.keys)
    known.key = sourceKey
    const before = imageOf(parsed, 'OldImage')
    const after = imageOf(parsed, 'NewImage')
    const version = recordVersion(table, parsed, before, after)
    known.version = version
    const occasion: Occasion = { sourceKey, version, source: 'stream', at: createdAt(parsed.origin) }
    const old = before && placeOf(projection, before)
    const moved = (now: Projected | undefined): boolean => old !== undefined && old !== now?.key
    try {
      const now = after && projectRow(projection, after)
      if (projection.sparse && after !== undefined && now === undefined) leftOut.push(projection.name)
      if (old !== undefined && moved(now)) changes.push(deleteOf(projection, old, occasion))
      if (now !== undefined)
        changes.push({ ...upsertOf(projection, now, occasion), ...(old === now.key && { replaces: true }) })
    } catch (error) {
      // What it was before has to go all the same.
      if (old !== undefined) changes.push(deleteOf(projection, old, occasion))
      throw error
    }
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    faults.push({ entity: projection.name, ...known, error })
  }
  return { changes: changes.map((change) => ({ change, unknownAttributes: 0 })), faults, leftOut }
}

/** @throws InvalidRecordError when the record lacks an image that its kind must have */
const imageOf = (
  { eventName, before, after }: StreamRecord,
  which: 'OldImage' | 'NewImage',
): Record<string, Value> | undefined => {
  const absent = which === 'OldImage' ? 'INSERT' : 'REMOVE'
  if (eventName === absent) return undefined
  const image: Image = which === 'OldImage' ? before : after
  if (image === undefined) throw new InvalidRecordError(`${eventName} without ${which}`)
  return decodeItem(image, which)
}

const recordVersion = (
  { versions }: Table,
  { origin }: StreamRecord,
  before: Record<string, Value> | undefined,
  after: Record<string, Value> | undefined,
): Version => {
  if (versions === 'stream') return streamVersion(origin)
  if (after === undefined) return isTombstone(before ?? {}) ? 1n : versionOf(before ?? {}) + 1n
  // Of a key that never was nothing is kept.
  return isTombstone(after) && isNever(after, 'version') ? 1n : versionOf(after)
}

/** Where an item was; undefined when it had no place: what can't be projected never got one. */
const placeOf = (projection: Projection, image: Record<string, Value>): string | undefined => {
  try {
    return projectRow(projection, image)?.key
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined
    throw error
  }
}
