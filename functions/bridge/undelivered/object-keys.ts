/**
 * Where an event source mapping files what it gave up: `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/<time>-<uuid>`. What is
 * below this prefix is undelivered, and is kept until somebody ends it.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export const FILED = 'aws/lambda/'

/** Where a batch is put when it is ended: the bucket forgets what is there after 90 days. */
export const ENDED = 'ended/'

/** How a batch ends: its records were applied or parked, or somebody has decided that it isn't needed. */
export type Ending = 'redriven' | 'dropped'

export const endedKey = (key: string, how: Ending): string => `${ENDED}${how}/${key.slice(FILED.length)}`

const SHAPE =
  /^aws\/lambda\/([^/]+)\/([^/]+)\/(?:\d{4}\/\d\d\/\d\d\/)?(\d{4}-\d\d-\d\d)T(\d\d)\.(\d\d)\.(\d\d)-[^/]+$/

/** What an object's key says; undefined for one that no event source mapping has made. */
export const readKey = (
  key: string,
):
  | { readonly id: string; readonly mapping: string; readonly shard: string; readonly at: string }
  | undefined => {
  const [, mapping, shard, day, hours, minutes, seconds] = SHAPE.exec(key) ?? []
  if (mapping === undefined || shard === undefined) return undefined
  return { id: idOf(key), mapping, shard, at: `${day}T${hours}:${minutes}:${seconds}.000Z` }
}

/** What an operator types for a batch: the last part of its key, in which AWS puts the time and a UUID. */
export const idOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
