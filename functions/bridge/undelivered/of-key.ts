import { subjectOf } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { normaliseStreamEvent, type TableIndex } from '../normalise/stream.ts'
import type { UndeliveredOfKey, UndeliveredRecord } from '../ports/undelivered-records.ts'
import { inLanes } from '../runtime/lanes.ts'
import { UnreadableBatchError } from './errors.ts'
import type { Undelivered, UndeliveredHead } from './undelivered.ts'

/** Batches that are read at once, and of which all are: who has more redrives them first. */
const LANES = 8
const MOST = 200

/**
 * The records of a key that are undelivered. Nothing tells by which batch, so that they are read, the oldest first.
 *
 * @param index who reads the records of which table; batches of others are passed over, and so is what can't be read
 * @param most so many batches are read
 * @throws S3Error when the bucket can't be used
 */
export const undeliveredOfKey = async (
  { entity, key }: { readonly entity: string; readonly key: string },
  { undelivered, index }: { readonly undelivered: Undelivered; readonly index: TableIndex },
  most = MOST,
): Promise<UndeliveredOfKey> => {
  const heads = await undelivered.heads()
  const some = heads.slice(0, most)
  const found = await inLanes(some, LANES, async (head) =>
    (await recordsIn(head, undelivered, index)).filter((one) => one.entity === entity && one.key === key),
  )
  const records = found.flat().map(({ entity: _, key: __, ...record }) => record)
  return { records, looked: some.length, batches: heads.length }
}

type Named = UndeliveredRecord & { readonly entity: string; readonly key: string | undefined }

const recordsIn = async (
  head: UndeliveredHead,
  undelivered: Undelivered,
  index: TableIndex,
): Promise<readonly Named[]> => {
  const batch = await readable(() => undelivered.read(head))
  if (batch === undefined || !index.has(batch.table)) return []
  const read = await readable(async () => normaliseStreamEvent({ Records: batch.records }, index))
  const of = { batch: head.id, at: head.at }
  return [
    ...(read?.changes ?? []).map(({ change, sequenceNumber }) => ({
      ...{ ...of, sequenceNumber, entity: change.entity, key: subjectOf(change) },
      ...{ op: change.op, version: change.version },
    })),
    ...(read?.rejected ?? []).map(({ entity, key, version, sequenceNumber }) => ({
      ...{ ...of, sequenceNumber, entity, key },
      ...(version !== undefined && { version }),
    })),
  ]
}

/** Undefined for what is no batch, or of no records that anybody reads: it is none of the key's. */
const readable = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof UnreadableBatchError || error instanceof InvalidRecordError) return undefined
    throw error
  }
}
