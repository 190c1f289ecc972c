import type { _Record, AttributeValue } from '@aws-sdk/client-dynamodb-streams'

/** An attribute value as it stands in a Lambda event: binary as base64 text. */
export type EventAttribute =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] }
  | { L: EventAttribute[] }
  | { M: EventImage }
  /** Nothing: the SDK has lost what it was. Whoever takes the record has to refuse it. */
  | Record<string, never>

export type EventImage = { [name: string]: EventAttribute }

/** A stream record in the shape in which Lambda delivers it. */
export type StreamRecord = {
  eventID: string
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  eventVersion: string
  eventSource: 'aws:dynamodb'
  awsRegion: string
  eventSourceARN: string
  userIdentity?: { type: string; principalId: string }
  dynamodb: {
    /** Epoch seconds. */
    ApproximateCreationDateTime: number
    Keys: EventImage
    NewImage?: EventImage
    OldImage?: EventImage
    SequenceNumber: string
    SizeBytes: number
    StreamViewType: string
  }
}

/** A record without what every stream record has: nothing that could be delivered or checkpointed. */
export class RecordShapeError extends Error {
  override readonly name = 'RecordShapeError'
  readonly code = 'streams.record-shape'
}

/**
 * Turns a record as the SDK reads it into the record that Lambda delivers.
 *
 * @param region of the mapping; emulators put words of their own there
 * An attribute whose value the SDK could not read is passed on without a type: the function has to refuse that record by
 * name, as it does on AWS, where it comes whole.
 *
 * @throws RecordShapeError without an event name, keys or a sequence number
 */
export const toEventRecord = (record: _Record, streamArn: string, region: string): StreamRecord => {
  const change = record.dynamodb
  if (!record.eventName || !change?.SequenceNumber || !change.Keys) {
    throw new RecordShapeError(
      `record ${record.eventID ?? 'without id'} lacks its event name, keys or sequence number`,
    )
  }
  return {
    eventID: record.eventID ?? change.SequenceNumber,
    eventName: record.eventName,
    eventVersion: record.eventVersion ?? '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    ...(record.userIdentity && {
      userIdentity: {
        // Only the presence of an identity can be relied on with emulators; DynamoDB itself is the only one there is.
        type: record.userIdentity.Type ?? 'Service',
        principalId: record.userIdentity.PrincipalId ?? 'dynamodb.amazonaws.com',
      },
    }),
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(
        (change.ApproximateCreationDateTime?.getTime() ?? Date.now()) / 1000,
      ),
      Keys: toEventImage(change.Keys),
      ...(change.NewImage && { NewImage: toEventImage(change.NewImage) }),
      ...(change.OldImage && { OldImage: toEventImage(change.OldImage) }),
      SequenceNumber: change.SequenceNumber,
      SizeBytes: change.SizeBytes ?? 0,
      StreamViewType: change.StreamViewType ?? 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: streamArn,
  }
}

const toEventImage = (image: Record<string, AttributeValue>): EventImage =>
  Object.fromEntries([
    ...Object.entries(image).map(([name, value]) => [name, toEventAttribute(value)] as const),
    ...(isPlain(image) ? [] : [[PROTO, {}] as const]),
  ])

/** A member of this name becomes an object's prototype where a reader assigns it, as the SDK's does. */
const PROTO = '__proto__'

/** Whether nothing has become the prototype: that of a plain object, of whatever realm, has none itself. */
const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object)
  return typeof prototype !== 'object' || prototype === null || Object.getPrototypeOf(prototype) === null
}

const toEventAttribute = (value: AttributeValue | undefined): EventAttribute => {
  if (value === undefined) return {}
  if (value.S !== undefined) return { S: value.S }
  if (value.N !== undefined) return { N: value.N }
  if (value.B !== undefined) return { B: base64(value.B) }
  if (value.BOOL !== undefined) return { BOOL: value.BOOL }
  if (value.NULL !== undefined) return { NULL: value.NULL }
  if (value.SS !== undefined) return { SS: value.SS }
  if (value.NS !== undefined) return { NS: value.NS }
  if (value.BS !== undefined) return { BS: value.BS.map(base64) }
  if (value.L !== undefined) return { L: value.L.map(toEventAttribute) }
  if (value.M !== undefined) return { M: toEventImage(value.M) }
  return {}
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** The item that a record is about, as text: equal for equal keys, whatever the order of their attributes. */
export const itemKeyOf = (record: StreamRecord): string =>
  JSON.stringify(Object.entries(record.dynamodb.Keys).sort(([a], [b]) => (a < b ? -1 : 1)))
