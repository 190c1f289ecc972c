import type { CancellationReason, TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { type Change, subjectOf } from '../change.ts'
import { toAttributeValue } from '../dynamo/attribute-values.ts'
import type { Item } from '../dynamo/items.ts'
import { InvalidRecordError } from '../errors.ts'
import { ForeignTargetError, TargetTakenError } from './errors.ts'
import { keyItem } from './keys.ts'
import { STAMP, stampOf, versionText } from './stamp.ts'
import type { KeySchema } from './table.ts'
import { bury, unlessDeleted } from './tombstones.ts'

/** A kept table, and where its tombstones are. */
export type Target = {
  readonly name: string
  readonly key: KeySchema
  readonly table: string
  readonly tombstones: string
}

/**
 * One change on its way. `elsewhere`: a delete whose item is another source's by now; then only its tombstone is
 * written.
 */
export type Attempt = { readonly change: Change; readonly elsewhere: boolean }

/** What is written for one change: two actions, both guarded, which take effect together or not at all. */
export const ACTIONS = 2

/**
 * The writes of one change. An upsert puts the item unless it, or its tombstone, is as late; a delete writes the
 * tombstone and deletes the item unless either is as late. The conditions are part of the transaction, so whoever comes
 * late, twice or as a zombie changes nothing.
 */
export const actionsOf = (target: Target, { change, elsewhere }: Attempt, now: Date): TransactWriteItem[] => {
  const { table, tombstones, key } = target
  const names = { '#source': STAMP.source, '#version': STAMP.version }
  const values = {
    ':source': { S: subjectOf(change) },
    ':version': { S: versionText(change.version) },
  }
  const absentOrOlder = {
    TableName: table,
    ConditionExpression: 'attribute_not_exists(#key) OR (#source = :source AND #version < :version)',
    ExpressionAttributeNames: { ...names, '#key': key.partition.name },
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  }
  if (change.op === 'upsert')
    return [unlessDeleted(tombstones, change), { Put: { ...absentOrOlder, Item: itemOf(change) } }]
  const Key = keyItem(key, change.key)
  return [
    bury(tombstones, change, now),
    elsewhere
      ? {
          ConditionCheck: {
            TableName: table,
            Key,
            ConditionExpression:
              'attribute_not_exists(#source) OR #source <> :source OR #version >= :version',
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
          },
        }
      : { Delete: { ...absentOrOlder, Key } },
  ]
}

const itemOf = (change: Change & { readonly op: 'upsert' }): Item => ({
  ...Object.fromEntries(Object.entries(change.row).map(([name, value]) => [name, toAttributeValue(value)])),
  [STAMP.version]: { S: versionText(change.version) },
  [STAMP.source]: { S: subjectOf(change) },
})

/** What a cancelled transaction says of one change. */
export type Verdict =
  /** The store is as late, or later. */
  | { readonly is: 'skipped' }
  | { readonly is: 'refused'; readonly error: Error }
  /** To be tried again, as it is or in another way. */
  | { readonly is: 'open'; readonly attempt: Attempt; readonly conflict: boolean }

/** @param reasons of the change's two actions */
export const verdictOf = (attempt: Attempt, [tombstone, item]: readonly CancellationReason[]): Verdict => {
  const { change, elsewhere } = attempt
  const failed = (reason: CancellationReason | undefined): boolean =>
    reason?.Code === 'ConditionalCheckFailed'
  if (failed(tombstone)) return { is: 'skipped' }
  if (failed(item)) {
    if (elsewhere) return { is: 'open', attempt: { change, elsewhere: false }, conflict: false }
    const stored = item?.Item
    // It went between the write and its answer.
    if (stored === undefined) return { is: 'open', attempt, conflict: true }
    const stamp = stampOf(stored)
    if (stamp?.sourceKey === subjectOf(change)) return { is: 'skipped' }
    if (change.op === 'delete') return { is: 'open', attempt: { change, elsewhere: true }, conflict: false }
    return { is: 'refused', error: stamp === undefined ? foreign(change) : taken(change) }
  }
  const refusal = [tombstone, item].find((reason) => REFUSALS.has(reason?.Code))
  if (refusal !== undefined)
    return {
      is: 'refused',
      error: new InvalidRecordError('DynamoDB refuses the item', { cause: new Error(refusal.Message) }),
    }
  const conflict = [tombstone, item].some((reason) => reason?.Code !== undefined && reason.Code !== 'None')
  return { is: 'open', attempt, conflict }
}

const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'ValidationError',
  'ItemCollectionSizeLimitExceeded',
])

const taken = ({ entity }: Change): Error =>
  new TargetTakenError(`Another item has the key in ${entity} that this one would get`)
const foreign = ({ entity }: Change): Error =>
  new ForeignTargetError(`Something else has written the item of ${entity} with this one's key`)
