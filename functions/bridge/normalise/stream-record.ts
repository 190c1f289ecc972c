import * as z from 'zod'
import { LARGEST_VERSION, type Version } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { DecimalText, decodeItem, type Value } from '../model/values.ts'

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Its values are checked when they are decoded; a schema for the map would only copy it. */
const item = z.custom<Record<string, unknown>>(isMap)

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
type Shaped = z.infer<typeof recordShape>

/** Whether a record has that shape, told without a copy of it: a batch has up to ten thousand. */
const isShaped = (record: unknown): record is Shaped => {
  if (!isMap(record) || !isMap(record.dynamodb)) return false
  const { eventName, dynamodb } = record
  if (eventName !== 'INSERT' && eventName !== 'MODIFY' && eventName !== 'REMOVE') return false
  const { ApproximateCreationDateTime: created, SequenceNumber, Keys, NewImage, OldImage } = dynamodb
  return (
    (created === undefined || (typeof created === 'number' && Number.isFinite(created))) &&
    typeof SequenceNumber === 'string' &&
    isMap(Keys) &&
    (NewImage === undefined || isMap(NewImage)) &&
    (OldImage === undefined || isMap(OldImage))
  )
}

/** @throws InvalidRecordError that says what is wrong with the shape */
const shaped = (record: unknown): Shaped => {
  if (isShaped(record)) return record
  const parsed = recordShape.safeParse(record)
  if (parsed.success) return parsed.data
  throw new InvalidRecordError('The stream record is malformed', { cause: parsed.error })
}

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
  const { eventName, dynamodb } = shaped(record)
  const { Keys, NewImage: after, OldImage: before } = dynamodb
  const origin: Origin = {
    created: dynamodb.ApproximateCreationDateTime,
    sequenceNumber: dynamodb.SequenceNumber,
  }
  return { eventName, origin, keys: decodeItem(Keys, 'Keys'), before, after }
}

export const createdAt = ({ created }: Origin): string => isoTime((created ?? 0) * 1000)

/** Sequence numbers have up to 40 digits. */
const SEQUENCE_SPACE = 10n ** 40n

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

export const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/
/** The last second that MySQL's TIMESTAMP holds is 2038-01-19T03:14:07Z. */
const LATEST = 2 ** 31 * 1000 - 1

export const isStorable = (milliseconds: number): boolean => milliseconds >= 1000 && milliseconds <= LATEST

/** A time in the form that `isoTime` gives, of a day that its month has each year, in a year that every column holds. */
const OWN_FORM =
  /^(?:19[89]\d|20[0-2]\d|203[0-7])-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** Whether a text is such a time as it stands: nearly all are, and nothing has to be worked out of them. */
export const isOwnForm = (text: string): boolean => OWN_FORM.test(text)

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
