import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { LegacyCall } from './legacy-function.ts'

/*
 * Events of the shapes that API Gateway and DynamoDB streams give to functions, made of calls: for functions that were
 * written for those.
 */

/** How a call looks as a request. */
export type RequestOf = {
  /** From the root, decoded: `/chefs/7`. */
  readonly path: string
  /** @default POST for a create, PUT for a replace, DELETE for a delete */
  readonly method?: string
  /** What stands for parameters of the path, by their names. @default none */
  readonly pathParameters?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** Added to those that say what the body is. */
  readonly headers?: Readonly<Record<string, string>>
  /** What JSON can hold. @default the call's row */
  readonly body?: unknown
}

const METHODS = { create: 'POST', replace: 'PUT', delete: 'DELETE' } as const
/** It never changes: an event is the same whenever it is made of the same call. */
const CALLER = { sourceIp: '127.0.0.1', userAgent: 'backsync' }

const partsOf = (call: LegacyCall, of: RequestOf) => {
  const { path, method = METHODS[call.op], body = call.row } = of
  const text = body === undefined ? null : JSON.stringify(body)
  const headers = {
    accept: 'application/json',
    ...(text !== null && {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
    }),
    'user-agent': CALLER.userAgent,
    ...of.headers,
  }
  const time = new Date(call.at)
  return { path, method, text, headers, query: of.query ?? {}, parameters: of.pathParameters ?? {}, time }
}

const orNull = <T extends object>(map: T): T | null => (Object.keys(map).length === 0 ? null : map)
const listed = (map: Readonly<Record<string, string>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, [value]]))
const idOf = ({ entity, key, version }: LegacyCall): string => `${entity}-${key}-${version}`

/** A call as the event of a REST API, or of an HTTP API with payload 1.0. */
export const apiEventV1 = (call: LegacyCall, of: RequestOf): Record<string, unknown> => {
  const { path, method, text, headers, query, parameters, time } = partsOf(call, of)
  return {
    resource: path,
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: listed(headers),
    queryStringParameters: orNull(query),
    multiValueQueryStringParameters: orNull(listed(query)),
    pathParameters: orNull(parameters),
    stageVariables: null,
    requestContext: {
      resourcePath: path,
      httpMethod: method,
      path,
      stage: 'backsync',
      protocol: 'HTTP/1.1',
      requestId: idOf(call),
      requestTimeEpoch: time.getTime(),
      identity: CALLER,
    },
    body: text,
    isBase64Encoded: false,
  }
}

/** A call as the event of an HTTP API with payload 2.0, whose stage is `$default`. */
export const apiEventV2 = (call: LegacyCall, of: RequestOf): Record<string, unknown> => {
  const { path, method, text, headers, query, parameters, time } = partsOf(call, of)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
    requestContext: {
      stage: '$default',
      requestId: idOf(call),
      routeKey: '$default',
      timeEpoch: time.getTime(),
      http: { method, path, protocol: 'HTTP/1.1', ...CALLER },
    },
    ...(text !== null && { body: text }),
    isBase64Encoded: false,
  }
}

const NAMES = { create: 'INSERT', replace: 'MODIFY', delete: 'REMOVE' } as const

/**
 * Calls as the event of the table's own stream, each as one record. There is no image of before: a REMOVE has the item's key as
 * its OldImage, and the sequence number is the version. A `create` is one that Aurora has no row for yet.
 */
export const streamEvent = (calls: readonly LegacyCall[]): { readonly Records: readonly unknown[] } => ({
  Records: calls.map((call) => {
    const { op, entity, version, at, item } = call
    const seconds = Math.floor(Date.parse(at) / 1000)
    return {
      eventID: idOf(call),
      eventName: NAMES[op],
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: seconds,
        Keys: inJson(item.keys),
        ...(item.image === undefined ? { OldImage: inJson(item.keys) } : { NewImage: inJson(item.image) }),
        SequenceNumber: String(version).padStart(21, '0'),
        SizeBytes: 0,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: `arn:aws:dynamodb:us-east-1:000000000000:table/${entity}/stream/${at.slice(0, 23)}`,
    }
  }),
})

type JsonItem = { readonly [name: string]: unknown }

/** Binary values travel as base64. */
const inJson = (item: Readonly<Record<string, AttributeValue>>): JsonItem =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, valueInJson(value)]))

const valueInJson = (value: AttributeValue): unknown => {
  if (value.B !== undefined) return { B: base64(value.B) }
  if (value.BS !== undefined) return { BS: value.BS.map(base64) }
  if (value.L !== undefined) return { L: value.L.map(valueInJson) }
  if (value.M !== undefined) return { M: inJson(value.M) }
  return value
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
