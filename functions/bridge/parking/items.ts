import * as z from 'zod'
import { asCount, asList, asMap, asOneOf, asText, itemReader } from '../drivers/dynamo/item-schema.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type Version, versionText } from '../model/change.ts'
import type { ParkedHead } from '../ports/parking.ts'
import type { Place } from '../ports/place.ts'
import type { WaitsFor } from '../ports/sink.ts'
import { ForeignParkingItemError } from './errors.ts'
import type { Filter } from './filter.ts'
import type { PrimaryKey } from './keys.ts'

/** A head as the table has it. */
export type Entry = {
  /** Its own primary key: where a former release has put it, or where it belongs. */
  readonly at: PrimaryKey
  readonly head: ParkedHead
  /** Of the write that made this state; every write makes a new one. */
  readonly revision: string
  readonly payload: { readonly id: string; readonly parts: number }
}

/** Up to where a key has been resolved. */
export type Mark = Place & { readonly resolvedAt: string; readonly revision: string }

/** Which keys may be parked or waited for, and when that was written last. */
export type Hint = { readonly filter: Filter; readonly changedAt: string; readonly revision: string }

/** A message is for a person, and a head is to stay small. */
const LONGEST_MESSAGE = 1000

export const headAttributes = ({ head, revision, payload }: Omit<Entry, 'at'>): Item => ({
  entity: { S: head.entity },
  key: { S: head.key },
  ...placeAttributes(head),
  ...(head.op !== undefined && { op: { S: head.op } }),
  class: { S: head.class },
  code: { S: head.code },
  message: { S: head.message.slice(0, LONGEST_MESSAGE).toWellFormed() },
  ...(head.waitsFor !== undefined && {
    waitsFor: { L: head.waitsFor.map((on) => ({ M: waitsAttributes(on) })) },
  }),
  firstSeen: { S: head.firstSeen },
  lastSeen: { S: head.lastSeen },
  attempts: { N: String(head.attempts) },
  state: { S: head.state },
  revision: { S: revision },
  payloadId: { S: payload.id },
  payloadParts: { N: String(payload.parts) },
})

export const markAttributes = (mark: Mark): Item => ({
  ...placeAttributes(mark),
  resolvedAt: { S: mark.resolvedAt },
  revision: { S: mark.revision },
})

export const hintAttributes = ({ filter, changedAt, revision }: Hint): Item => ({
  filter: { B: filter },
  changedAt: { S: changedAt },
  revision: { S: revision },
})

export const waitsAttributes = (on: WaitsFor): Item => ({
  entity: { S: on.entity },
  ...(on.key !== undefined && { key: { S: on.key } }),
})

const placeAttributes = ({ version, sequenceNumber }: Place): Item => ({
  ...(version !== undefined && { version: { S: versionText(version) } }),
  ...(sequenceNumber !== undefined && { sequenceNumber: { S: sequenceNumber } }),
})

const version = asText.pipe(z.string().regex(/^\d+$/)).transform((digits): Version => BigInt(digits))
const waitsFor = z.object({ entity: asText, key: asText.optional() })
const place = { version: version.optional(), sequenceNumber: asText.optional() }

const key = z.object({ S: z.string() })
const asBytes = z.object({ B: z.instanceof(Uint8Array) }).transform(({ B }) => B)
const entry = z
  .object({
    pk: key,
    sk: key,
    entity: asText,
    key: asText,
    ...place,
    op: asOneOf('upsert', 'delete').optional(),
    class: asOneOf('data', 'dependency'),
    code: asText,
    message: asText,
    waitsFor: asList(asMap(waitsFor)).optional(),
    firstSeen: asText,
    lastSeen: asText,
    attempts: asCount,
    state: asOneOf('parked', 'superseded', 'applied'),
    revision: asText,
    payloadId: asText,
    payloadParts: asCount,
    resolvedAt: asText.optional(),
  })
  .transform(
    ({ pk, sk, revision, payloadId: id, payloadParts: parts, ...head }): Entry => ({
      at: { pk, sk },
      head,
      revision,
      payload: { id, parts },
    }),
  )
const mark = z.object({ ...place, resolvedAt: asText, revision: asText })
const part = z.object({ payload: asBytes }).transform(({ payload }) => payload)
const hint = z.object({ filter: asBytes, changedAt: asText, revision: asText })
const awaited = z.object({ revision: asText, cursors: asList(asText).default([]) })
const waiting = z.object({ entity: asText, key: asText, on: asMap(waitsFor) })

const reader = <T>(what: string, schema: z.ZodType<T>) =>
  itemReader(
    schema,
    (cause) => new ForeignParkingItemError(`An item of the parking table is not a ${what}`, { cause }),
  )

/** Readers of items. @throws ForeignParkingItemError */
export const readEntry = reader<Entry>('parked change', entry)
export const readMark = reader<Mark>('mark', mark)
export const readPart = reader<Uint8Array>('part of a payload', part)
export const readHint = reader<Hint>('hint at what is parked', hint)
export const readSign = reader<{ revision: string; cursors: string[] }>(
  'sign that something is waited for',
  awaited,
)
export const readWaiting = reader<{ entity: string; key: string; on: WaitsFor }>('wait', waiting)
/** What names a head, and nothing else of it. */
export const readNamed = reader<{ entity: string; key: string }>(
  'name of a parked change',
  z.object({ entity: asText, key: asText }),
)
