import { createHash } from 'node:crypto'
import type { Item } from '../drivers/dynamo/items.ts'
import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'
import type { WaitsFor } from '../ports/sink.ts'

/** The parking table; what has been resolved expires, what is parked never does. */
export const parkingTable = {
  partition: 'pk',
  sort: 'sk',
  expiry: 'expires',
} as const satisfies StateTableKeys

/** The primary key of an item of the parking table. */
export type PrimaryKey = Readonly<
  Record<typeof parkingTable.partition | typeof parkingTable.sort, { readonly S: string }>
>

/** Tells items apart by their primary keys. */
export const primaryKeyText = ({ pk, sk }: Item): string => JSON.stringify([pk?.S, sk?.S])

/** DynamoDB's limit of a sort key, in bytes of UTF-8. A key of 255 characters of 4 bytes just fits. */
const LONGEST_SORT_KEY = 1024
/** Where more than one text shares a primary key, each gets no more than this. */
const SHARE = 300
const HASHED = 'sha256:'

/**
 * A text as it is where it may stand in a primary key, else its hash. Two texts never give the same: whoever looks
 * like a hash is hashed too. The texts themselves are attributes of the items, so none of this is ever read back.
 */
const fitted = (text: string, bytes: number): string =>
  text !== '' && text.isWellFormed() && !text.startsWith(HASHED) && Buffer.byteLength(text) <= bytes
    ? text
    : HASHED + createHash('sha256').update(text, 'utf16le').digest('hex')

/** One of several texts that `#` separates: no `#` in it, and never `*`. */
const part = (text: string): string =>
  fitted(
    text.replaceAll(/[%#*]/g, (sign) => encodeURIComponent(sign).replace('*', '%2A')),
    SHARE,
  )

const key = (pk: string, sk: string): PrimaryKey => ({
  [parkingTable.partition]: { S: pk },
  [parkingTable.sort]: { S: sk },
})

/** The partition of an entity's heads: a query of it is the list and the gate of each batch. */
export const headsOf = (entity: string): string => `parked#${part(entity)}`
export const headKey = (entity: string, of: string): PrimaryKey =>
  key(headsOf(entity), fitted(of, LONGEST_SORT_KEY))

/** The partition of what waits for an entity. */
export const waitersFor = (entity: string): string => `waiting#${part(entity)}`
export const waitingKey = (on: WaitsFor, entity: string, of: string): PrimaryKey =>
  key(waitersFor(on.entity), `${on.key === undefined ? '*' : part(on.key)}#${part(entity)}#${part(of)}`)

/** The partition of a key's payloads; `id` tells one payload from another. */
export const payloadsOf = (entity: string, of: string): string =>
  `payload#${part(entity)}#${fitted(of, LONGEST_SORT_KEY)}`
export const payloadKey = (entity: string, of: string, id: string, at: number): PrimaryKey =>
  key(payloadsOf(entity, of), `${id}#${String(at).padStart(3, '0')}`)

/** The partition of an entity's history; a key's entries start with the same text. */
export const resolvedOf = (entity: string): string => `resolved#${part(entity)}`
export const resolvedStart = (of: string): string => `${part(of)}#`
export const resolvedKey = (entity: string, of: string, lastSeen: string, revision: string): PrimaryKey =>
  key(resolvedOf(entity), `${resolvedStart(of)}${lastSeen}#${revision}`)

/** Up to where a key has been resolved. */
export const markKey = (entity: string, of: string): PrimaryKey =>
  key(`mark#${part(entity)}#${fitted(of, LONGEST_SORT_KEY)}`, 'mark')
