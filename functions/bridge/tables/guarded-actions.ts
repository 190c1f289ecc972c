import type { CancellationReason, TransactWriteItem } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { KeySchema } from '../drivers/dynamo/key-schema.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { type Change, subjectOf, versionText } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { ForeignTargetError, TargetTakenError } from './errors.ts'
import { keyItem } from './keys.ts'
import { STAMP, stampOf } from './stamp.ts'
import { tombstoneWrite, unlessDeleted } from './tombstones.ts'

/** A kept table, and where its tombstones are. */
export type Target = {
  readonly name: string
  readonly key: KeySchema
  readonly table: string
  readonly tombstones: string
  /** Whether its source's writers count versions. */
  readonly counted: boolean
}

/**
 * How a change is written:
 * - `insert`: the item, unless there is one, or a tombstone, that is as late.
 * - `replace`: the item over an earlier one. Where that stands no tombstone can be later, so none is looked at.
 * - `delete`: the tombstone, and the item goes, unless either is as late.
 * - `bury`: the tombstone alone, where the item is another source's.
 */
export type Way = 'insert' | 'replace' | 'delete' | 'bury'

/** One change on its way. */
export type Attempt = { readonly change: Change; readonly way: Way }

/** How many actions of a transaction each way takes. */
export const ACTIONS: Readonly<Record<Way, number>> = { insert: 2, replace: 1, delete: 2, bury: 2 }

/**
 * The writes of one change, which take effect together or not at all. The conditions are part of the transaction, so
 * whoever comes late, twice or as a zombie changes nothing.
 */
export const actionsOf = (target: Target, { change, way }: Attempt, now: Date): TransactWriteItem[] => {
  const { table, tombstones, key } = target
  const own = {
    TableName: table,
    ExpressionAttributeNames: { '#source': STAMP.source, '#version': STAMP.version },
    ExpressionAttributeValues: {
      ':source': { S: subjectOf(change) },
      ':version': { S: versionText(change.version) },
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  }
  const older = '#source = :source AND #version < :version'
  const absentOrOlder = {
    ...own,
    ConditionExpression: `attribute_not_exists(#key) OR (${older})`,
    ExpressionAttributeNames: { ...own.ExpressionAttributeNames, '#key': key.partition.name },
  }
  if (change.op === 'upsert') {
    const Item = itemOf(change)
    return way === 'replace'
      ? [{ Put: { ...own, ConditionExpression: older, Item } }]
      : [{ Put: { ...absentOrOlder, Item } }, unlessDeleted(tombstones, change)]
  }
  const Key = keyItem(key, change.key)
  const notOwnOlder = 'attribute_not_exists(#source) OR #source <> :source OR #version >= :version'
  return [
    way === 'bury'
      ? { ConditionCheck: { ...own, ConditionExpression: notOwnOlder, Key } }
      : { Delete: { ...absentOrOlder, Key } },
    tombstoneWrite(tombstones, change, now),
  ]
}

/** The item that a change writes, with its stamp. @throws TypeError for what has no form in DynamoDB */
export const itemOf = (change: Change & { readonly op: 'upsert' }): Item => ({
  ...Object.fromEntries(Object.entries(change.row).map(([name, value]) => [name, toAttributeValue(value)])),
  [STAMP.version]: { S: versionText(change.version) },
  [STAMP.source]: { S: subjectOf(change) },
})

/** What became of one change in a transaction. */
export type AttemptOutcome =
  | { readonly is: 'applied' }
  /** The store is as late, or later: by its item, or by the tombstone where it shows one. */
  | { readonly is: 'skipped'; readonly item?: Item | undefined; readonly tombstone?: Item | undefined }
  | { readonly is: 'refused'; readonly error: Error }
  /** To be tried again, as it is or in another way. */
  | { readonly is: 'open'; readonly attempt: Attempt; readonly conflict: boolean }

/** @param reasons of the change's actions: of the item first, then of its tombstone */
export const outcomeOfAttempt = (
  attempt: Attempt,
  [item, tombstone]: readonly CancellationReason[],
): AttemptOutcome => {
  const { change, way } = attempt
  const open = (other: Way, conflict = false): AttemptOutcome => ({
    is: 'open',
    attempt: { change, way: other },
    conflict,
  })
  if (hasFailed(tombstone))
    return { is: 'skipped', ...(change.op === 'upsert' && { tombstone: tombstone?.Item }) }
  if (hasFailed(item)) {
    if (way === 'bury') return open('delete')
    const stored = item?.Item
    // Nothing to replace; in any other way it has gone since.
    if (stored === undefined) return way === 'replace' ? open('insert') : open(way, true)
    const stamp = stampOf(stored)
    if (stamp?.sourceKey === subjectOf(change)) return { is: 'skipped', item: stored }
    if (change.op === 'delete') return open('bury')
    return { is: 'refused', error: stamp === undefined ? foreign(change) : taken(change) }
  }
  const reasons = [item, tombstone]
  const refusal = reasons.find((reason) => REFUSALS.has(reason?.Code))
  if (refusal !== undefined)
    return {
      is: 'refused',
      error: new InvalidRecordError('DynamoDB refuses the item', { cause: new Error(refusal.Message) }),
    }
  return open(
    way,
    reasons.some((reason) => reason?.Code !== undefined && reason.Code !== 'None'),
  )
}

const hasFailed = (reason: CancellationReason | undefined): boolean =>
  reason?.Code === 'ConditionalCheckFailed'

const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'ValidationError',
  'ItemCollectionSizeLimitExceeded',
])

const taken = ({ entity }: Change): Error =>
  new TargetTakenError(`Another item has the key in ${entity} that this one would get`)
const foreign = ({ entity }: Change): Error =>
  new ForeignTargetError(`Something else has written the item of ${entity} with this one's key`)
