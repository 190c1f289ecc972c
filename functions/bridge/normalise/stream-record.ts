import * as z from 'zod'
import { LARGEST_VERSION, type Version } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { DecimalText, decodeItem, type Value } from '../model/values.ts'

/** Its values are checked when they are decoded; a schema for the map would only copy it. */
const item = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

const recordShape = z.object({
  eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
  dynamodb: z.object({
    ApproximateCreationDateTime: z.number().optional(),
    SequenceNumber: z.string(),
    Keys: item,
    NewImage: item.optional(),
    OldImage: item.optional(),
  }),
})

export type Image = Readonly<Record<string, unknown>> | undefined

/** When and where in its stream a record was written. */
export type Origin = { readonly created: number | undefined; readonly sequenceNumber: string }

/** A record's parts; its images are not decoded yet. */
export type StreamRecord = {
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly origin: Origin
  readonly keys: Record<string, Value>
  readonly before: Image
  readonly after: Image
}

/** @throws InvalidRecordError */
export const parseRecord = (record: unknown): StreamRecord => {
  const parsed = recordShape.safeParse(record)
  if (!parsed.success) throw new InvalidRecordError('The stream record is malformed', { cause: parsed.error })
  const { eventName, dynamodb } = parsed.data
  const { Keys, NewImage: after, OldImage: before } = dynamodb
  const origin: Origin = {
    created: dynamodb.ApproximateCreationDateTime,
    sequenceNumber: dynamodb.SequenceNumber,
  }
  return { eventName, origin, keys: decodeItem(Keys, 'Keys'), before, after }
}

export const createdAt = ({ created }: Origin): string => isoTime((created ?? 0) * 1000)

/** Sequence numbers have up to 40 digits. */
export const SEQUENCE_SPACE = 10n ** 40n

/**
 * A version for a record whose writer keeps none: its second, then its sequence number. Nothing else in a record is
 * the same at every delivery: a position in the batch, or a counter of the function's, is not.
 */
export const streamVersion = ({ created, sequenceNumber }: Origin): Version => {
  if (created === undefined || !isStorable(created * 1000))
    throw new InvalidRecordError('The record has no creation time between 1970 and 2038')
  if (!/^\d{1,40}$/.test(sequenceNumber))
    throw new InvalidRecordError('The sequence number is not one of up to 40 digits')
  return BigInt(Math.floor(created)) * SEQUENCE_SPACE + BigInt(sequenceNumber)
}

export const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/
/** The last second that MySQL's TIMESTAMP holds is 2038-01-19T03:14:07Z. */
const LATEST = 2 ** 31 * 1000 - 1

export const isStorable = (milliseconds: number): boolean => milliseconds >= 1000 && milliseconds <= LATEST

export const isoTime = (milliseconds: number): string => {
  if (!isStorable(milliseconds)) throw new InvalidRecordError('The time of the write is outside 1970 to 2038')
  return new Date(milliseconds).toISOString()
}

/**
 * The version that an item's writers count.
 *
 * @param name of its attribute
 * @throws InvalidRecordError
 */
export const versionOf = (image: Record<string, Value>, name = 'version'): Version => {
  const { [name]: version } = image
  if (!(version instanceof DecimalText)) throw new InvalidRecordError(`${name} is missing or not a number`)
  if (!/^[1-9]\d*$/.test(version.text)) throw new InvalidRecordError(`${name} is not a positive integer`)
  const parsed = BigInt(version.text)
  if (parsed >= LARGEST_VERSION) throw new InvalidRecordError(`${name} is not below ${LARGEST_VERSION}`)
  return parsed
}
