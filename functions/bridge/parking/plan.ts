import type { TransactWriteItem } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import { versionText } from '../model/change.ts'
import { LOCKED } from '../model/outcome.ts'
import { isSlotted } from '../ports/conflict-slots.ts'
import { isWaiting, type Parked, type ParkedHead, type Resolution } from '../ports/parking.ts'
import { compareArrivals, comparePlaces, laterInOrder } from '../ports/place.ts'
import type { WaitsFor } from '../ports/sink.ts'
import { type Entry, headAttributes, type Mark, markAttributes, waitsAttributes } from './items.ts'
import {
  dueKey,
  formerHeadsOf,
  formerWaitingKey,
  headKey,
  markKey,
  type PrimaryKey,
  parkingTable,
  payloadKey,
  primaryKeyText,
  resolvedKey,
  waitingKey,
} from './keys.ts'

/**
 * What is written when a change is parked or resolved, as one transaction each.
 *
 * Why nothing old ever comes back. A plan is made from a key's head and mark as one consistent read had them, and its
 * transaction holds the condition that both still are at the revision that was read; every write gives a new one. So
 * whatever is decided here is decided on the state that is replaced, and the rules are plain comparisons:
 *
 * - A park that is older than the head does nothing. One that is as old (the same record, delivered again) or later
 *   replaces it.
 * - A resolution leaves a mark: up to which version the key is settled. A park from below the mark does nothing,
 *   however late it arrives: an invocation that was given up (a zombie), or an old batch delivered again. The mark
 *   lives for 90 days; the stream forgets after one, so no older park can come after it.
 * - At exactly the mark's version the clock decides: seen before the resolution, it is a zombie; seen after it, the
 *   change failed anew (the store may have been restored) and must be listed. When in doubt a change is listed: an
 *   entry too many is resolved by its first retry, a change that is nowhere is lost.
 * - Of conflicts the version says nothing: there only the source's own order makes one older than another, and what has none,
 *   as a claim's, is new.
 * - A transaction repeated because its answer was lost carries the same token, by which DynamoDB counts it once.
 *
 * What this can't tell: a zombie's park of a key that was never parked, so has no mark, and of which a later version
 * was applied in between. It is listed, and the next retry finds the store newer and resolves it.
 */
export type State = { readonly entry: Entry | undefined; readonly mark: Mark | undefined }

/** History, marks, and the payloads of resolved changes are kept so long, in seconds. */
const KEPT = 90 * 24 * 3600
/** More waits than this become one wait for any change of each entity: a transaction has 100 writes. */
const MOST_WAITS = 20

/** @returns nothing when there is nothing to park: the key is parked at a later version, or settled beyond this one */
export const planPark = (
  table: string,
  { entry, mark }: State,
  change: Parked,
  written: { readonly at: Date; readonly revision: string; readonly parts: readonly Uint8Array[] },
): TransactWriteItem[] => {
  const { at, revision, parts } = written
  const seen = at.toISOString()
  const order = entry === undefined ? 1 : comparing(change)(change, entry.head)
  if (order < 0) return []
  // What a person asked for ends nothing that came by itself.
  const isAsked = change.byArrival === true && change.sequenceNumber === undefined
  if (isAsked && entry?.head.sequenceNumber !== undefined) return []
  if (mark !== undefined && isSettled(change, seen, mark)) return []
  // The same change again, delivered or tried anew: what came with the stream says more than what a retry made of it.
  const same = order === 0 ? entry : undefined
  const known = entry?.head
  const { payload: _, waitsFor, sequenceNumber: __, byArrival: ___, ...facts } = change
  // An older record with the same content may come again: what came in front of the newer one must not end it.
  const sequenceNumber =
    same === undefined ? (change.sequenceNumber ?? known?.sequenceNumber) : laterInOrder(change, same.head)
  const head: ParkedHead = {
    ...facts,
    ...(sequenceNumber !== undefined && { sequenceNumber }),
    ...(waitsFor !== undefined && waitsFor.length > 0 && { waitsFor: bounded(waitsFor) }),
    firstSeen: known?.firstSeen ?? seen,
    lastSeen: known !== undefined && known.lastSeen > seen ? known.lastSeen : seen,
    attempts: (known?.attempts ?? 0) + 1,
    state: 'parked',
  }
  const payload = same?.payload ?? { id: `${versionText(placeOf(change))}#${revision}`, parts: parts.length }
  const wanted = [...(same === undefined ? payloadItems(head, payload.id, parts) : []), ...beside(head)]
  const kept = new Set(wanted.map(primaryKeyText))
  const before =
    entry === undefined ? [] : [...(same === undefined ? payloadKeys(entry) : []), ...besideOf(entry)]
  return [
    ...putHead(table, { head, revision, payload }, entry),
    { ConditionCheck: { TableName: table, Key: markKey(head.entity, head.key), ...unchanged(mark) } },
    ...wanted.map((Item) => ({ Put: { TableName: table, Item } })),
    ...before
      .filter((item) => !kept.has(primaryKeyText(item)))
      .map(({ pk, sk }) => ({ Delete: { TableName: table, Key: { pk, sk } } })),
  ]
}

/** What takes an entry from where a former release has put it to where it belongs; all else about it stays. */
export const planMove = (table: string, entry: Entry, revision: string): TransactWriteItem[] => [
  ...putHead(table, { ...entry, revision }, entry),
  ...beside(entry.head).map((Item) => ({ Put: { TableName: table, Item } })),
  ...besideOf(entry).map(({ pk, sk }) => ({ Delete: { TableName: table, Key: { pk, sk } } })),
]

/** Writes a head in the place of one that was read. */
const putHead = (
  table: string,
  { head, revision, payload }: Omit<Entry, 'at'>,
  read: Entry | undefined,
): TransactWriteItem[] => {
  const Item = { ...headKey(head.entity, head.key), ...headAttributes({ head, revision, payload }) }
  if (read === undefined || !isFormer(read)) return [{ Put: { TableName: table, Item, ...unchanged(read) } }]
  return [
    { Put: { TableName: table, Item, ...unchanged(undefined) } },
    { Delete: { TableName: table, Key: read.at, ...unchanged(read) } },
  ]
}

/** @returns nothing when there is nothing to resolve: the key isn't parked, or is parked at a later version */
export const planResolve = (
  table: string,
  { entry, mark }: State,
  { upTo, how, at, revision }: Resolution & { readonly revision: string },
): TransactWriteItem[] => {
  if (entry === undefined) return []
  const { head } = entry
  if (comparePlaces(upTo, head) < 0) return []
  const { version: reached = 0n } = upTo
  const expires = { N: String(Math.ceil(at.getTime() / 1000) + KEPT) }
  const resolvedAt = { S: at.toISOString() }
  return [
    { Delete: { TableName: table, Key: entry.at, ...unchanged(entry) } },
    {
      Put: {
        TableName: table,
        Item: {
          ...markKey(head.entity, head.key),
          ...markAttributes({
            version: mark?.version !== undefined && mark.version > reached ? mark.version : reached,
            ...(head.sequenceNumber !== undefined && { sequenceNumber: head.sequenceNumber }),
            resolvedAt: resolvedAt.S,
            revision,
          }),
          [parkingTable.expiry]: expires,
        },
      },
    },
    {
      Put: {
        TableName: table,
        Item: {
          ...resolvedKey(head.entity, head.key, head.lastSeen, revision),
          ...headAttributes({ ...entry, head: { ...head, state: how } }),
          resolvedAt,
          [parkingTable.expiry]: expires,
        },
      },
    },
    ...payloadKeys(entry).map(({ pk, sk }) => ({
      Update: {
        TableName: table,
        Key: { pk, sk },
        UpdateExpression: `SET ${parkingTable.expiry} = :expires`,
        ExpressionAttributeValues: { ':expires': expires },
      },
    })),
    ...besideOf(entry).map(({ pk, sk }) => ({ Delete: { TableName: table, Key: { pk, sk } } })),
  ]
}

/** Whether a mark settles a change that was seen at this time. */
const isSettled = (change: Parked, seen: string, mark: Mark): boolean => {
  // Another one had its place before: that this one came earlier doesn't end it.
  if (isSlotted(change) && mark.sequenceNumber !== change.sequenceNumber) return false
  const order = comparing(change)(change, mark)
  return order < 0 || (order === 0 && seen <= mark.resolvedAt)
}

/** How it is told which of two is the later one. */
export const comparing = ({ byArrival }: Pick<Parked, 'byArrival'>): typeof comparePlaces =>
  byArrival === true ? compareArrivals : comparePlaces

/** The condition that an item is still as it was read. */
const unchanged = (read: { readonly revision: string } | undefined) =>
  read === undefined
    ? { ConditionExpression: `attribute_not_exists(${parkingTable.partition})` }
    : {
        ConditionExpression: 'revision = :read',
        ExpressionAttributeValues: { ':read': { S: read.revision } },
      }

const placeOf = ({ version, sequenceNumber }: Parked): bigint =>
  version ?? (/^\d{1,50}$/.test(sequenceNumber ?? '') ? BigInt(sequenceNumber ?? 0) : 0n)

/** What it waits for, as it is stored. */
export const withBoundedWaits = <T extends Pick<Parked, 'waitsFor'>>(change: T): T => ({
  ...change,
  ...(change.waitsFor !== undefined && { waitsFor: bounded(change.waitsFor) }),
})

const bounded = (waitsFor: readonly WaitsFor[]): readonly WaitsFor[] =>
  waitsFor.length <= MOST_WAITS
    ? waitsFor
    : [...new Set(waitsFor.map(({ entity }) => entity))].map((entity) => ({ entity }))

/** Whether an entry is where a former release has put it. */
const isFormer = ({ at, head }: Entry): boolean => at.pk.S === formerHeadsOf(head.entity)

/** An item, or what names it. */
type Placed = Item & PrimaryKey

/** What is in the table beside a head, by which it is found: its waits, and when it is due. */
const besideOf = (entry: Entry): Placed[] => (isFormer(entry) ? formerWaits(entry.head) : beside(entry.head))

const beside = (head: ParkedHead): Placed[] => {
  const named = { entity: { S: head.entity }, key: { S: head.key } }
  const waits = (head.waitsFor ?? []).map((on) => ({
    ...waitingKey(on, head.entity, head.key, head.firstSeen),
    ...named,
    on: { M: waitsAttributes(on) },
  }))
  const due = isWaiting(head) ? [{ ...dueKey(head.entity, head.key, dueOf(head)), ...named }] : []
  return distinct([...waits, ...due])
}

const formerWaits = ({ entity, key, waitsFor = [] }: ParkedHead): Placed[] =>
  distinct(waitsFor.map((on) => formerWaitingKey(on, entity, key)))

/** The same wait twice would be the same item twice, which a transaction refuses. */
const distinct = (items: readonly Placed[]): Placed[] => [
  ...new Map(items.map((item) => [primaryKeyText(item), item])).values(),
]

/** After so long, in ms, what waits is tried again though nothing has woken it; each attempt doubles it, up to an hour. */
const FIRST_DUE = 5 * 60_000
const LAST_DUE = 60 * 60_000

/** What somebody else holds is free as soon as they end, of which nothing tells. */
const FIRST_DUE_LOCKED = 30_000
const LAST_DUE_LOCKED = 5 * 60_000

const dueOf = ({ lastSeen, attempts, code }: ParkedHead): string => {
  const [first, last] = code === LOCKED ? [FIRST_DUE_LOCKED, LAST_DUE_LOCKED] : [FIRST_DUE, LAST_DUE]
  return new Date(Date.parse(lastSeen) + Math.min(last, first * 2 ** (attempts - 1))).toISOString()
}

const payloadItems = (head: ParkedHead, id: string, parts: readonly Uint8Array[]) =>
  parts.map((bytes, part) => ({ ...payloadKey(head.entity, head.key, id, part), payload: { B: bytes } }))

const payloadKeys = ({ head, payload: { id, parts } }: Entry): PrimaryKey[] =>
  Array.from({ length: parts }, (_, part) => payloadKey(head.entity, head.key, id, part))
