import * as z from 'zod'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Version } from '../model/change.ts'
import type { ParkedHead } from '../ports/parking.ts'
import type { Place } from '../ports/place.ts'
import type { WaitsFor } from '../ports/sink.ts'
import { ForeignParkingItemError } from './errors.ts'

/** A head as the table has it. */
export type Entry = {
  readonly head: ParkedHead
  /** Of the write that made this state; every write makes a new one. */
  readonly revision: string
  readonly payload: { readonly id: string; readonly parts: number }
}

/** Up to where a key has been resolved. */
export type Mark = Place & { readonly resolvedAt: string; readonly revision: string }

/** The width of a version's text: the sort order is that of the numbers. */
const DIGITS = 50
/** A message is for a person, and a head is to stay small. */
const LONGEST_MESSAGE = 1000

/** A version as text that sorts like the number. */
export const padded = (number: bigint): string => String(number).padStart(DIGITS, '0')

export const headAttributes = ({ head, revision, payload }: Entry): Item => ({
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

export const waitsAttributes = (on: WaitsFor): Item => ({
  entity: { S: on.entity },
  ...(on.key !== undefined && { key: { S: on.key } }),
})

const placeAttributes = ({ version, sequenceNumber }: Place): Item => ({
  ...(version !== undefined && { version: { S: padded(version) } }),
  ...(sequenceNumber !== undefined && { sequenceNumber: { S: sequenceNumber } }),
})

const text = z.object({ S: z.string() }).transform(({ S }) => S)
const count = z.object({ N: z.string().regex(/^\d+$/) }).transform(({ N }) => Number(N))
const oneOf = <T extends string>(...choices: readonly [T, ...T[]]) => text.pipe(z.enum(choices))
const version = text.pipe(z.string().regex(/^\d+$/)).transform((digits): Version => BigInt(digits))
const waitsFor = z.object({ entity: text, key: text.optional() })
const place = { version: version.optional(), sequenceNumber: text.optional() }

const entry = z
  .object({
    entity: text,
    key: text,
    ...place,
    op: oneOf('upsert', 'delete').optional(),
    class: oneOf('data', 'dependency'),
    code: text,
    message: text,
    waitsFor: z
      .object({ L: z.array(z.object({ M: waitsFor }).transform(({ M }) => M)) })
      .transform(({ L }) => L)
      .optional(),
    firstSeen: text,
    lastSeen: text,
    attempts: count,
    state: oneOf('parked', 'superseded', 'applied'),
    revision: text,
    payloadId: text,
    payloadParts: count,
  })
  .transform(
    ({ revision, payloadId: id, payloadParts: parts, ...head }): Entry => ({
      head,
      revision,
      payload: { id, parts },
    }),
  )
const mark = z.object({ ...place, resolvedAt: text, revision: text })
const part = z
  .object({ payload: z.object({ B: z.instanceof(Uint8Array) }) })
  .transform(({ payload }) => payload.B)
const waiting = z
  .object({ entity: text, key: text, on: z.object({ M: waitsFor }) })
  .transform(({ on, ...of }) => ({
    ...of,
    on: on.M,
  }))

const reader =
  <T>(what: string, schema: z.ZodType<T>) =>
  (item: Item): T => {
    const read = schema.safeParse(item)
    if (read.success) return read.data
    throw new ForeignParkingItemError(`An item of the parking table is not a ${what}`, { cause: read.error })
  }

/** Readers of items. @throws ForeignParkingItemError */
export const readEntry = reader<Entry>('parked change', entry)
export const readMark = reader<Mark>('mark', mark)
export const readPart = reader<Uint8Array>('part of a payload', part)
export const readWaiting = reader<{ entity: string; key: string; on: WaitsFor }>('wait', waiting)
