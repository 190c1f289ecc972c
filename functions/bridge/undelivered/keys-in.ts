import { InvalidRecordError } from '../model/errors.ts'
import { normaliseStreamEvent, type TableIndex } from '../normalise/stream.ts'
import { UnreadableBatchError } from './errors.ts'
import type { Undelivered } from './undelivered.ts'

/** Batches that are read, the oldest first: each is an object of megabytes. */
const MOST_BATCHES = 200

/**
 * The keys of an entity that are in batches which event sources gave up on. What can't be read is passed over: `undelivered list`
 * tells of it.
 *
 * @param tables who reads the records of which table
 * @throws S3Error, DeadlineError
 */
export const keysIn = async (
  undelivered: Pick<Undelivered, 'heads' | 'read'>,
  entity: string,
  tables: TableIndex,
): Promise<ReadonlySet<string>> => {
  const keys = new Set<string>()
  for (const head of (await undelivered.heads()).slice(0, MOST_BATCHES))
    for (const key of await keysOf(head, undelivered, entity, tables)) keys.add(key)
  return keys
}

const keysOf = async (
  head: Parameters<Undelivered['read']>[0],
  undelivered: Pick<Undelivered, 'read'>,
  entity: string,
  tables: TableIndex,
): Promise<readonly string[]> => {
  try {
    const batch = await undelivered.read(head)
    const read = batch && normaliseStreamEvent({ Records: batch.records }, tables)
    if (read === undefined) return []
    const rejected = read.rejected.filter((one) => one.entity === entity)
    return [
      ...read.changes.flatMap(({ change }) => (change.entity === entity ? [change.key] : [])),
      ...rejected.flatMap(({ key }) => key ?? []),
    ]
  } catch (error) {
    if (error instanceof UnreadableBatchError || error instanceof InvalidRecordError) return []
    throw error
  }
}
