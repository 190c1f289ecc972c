import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { cancellationOf } from '../drivers/dynamo/errors.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { laterVersion, type Version, versionText } from '../model/change.ts'
import { scanVersion } from '../normalise/stream-record.ts'
import { applyAll } from '../sync/apply.ts'
import { itemOf } from './guarded-actions.ts'
import { keyItem } from './keys.ts'
import type { LookedPair } from './look-pairs.ts'
import type { TableSyncParts } from './open-tables.ts'
import { deleteOf, upsertOf } from './project.ts'
import type { Projection } from './projection.ts'
import { STAMP } from './stamp.ts'
import { tombstoneWrite } from './tombstones.ts'

/*
 * Makes a place of a kept table hold what its source does. The guard of the stream's changes is not enough for that: what is there may be
 * at the source's version and other, or at a later one. So it is written over, or taken away, exactly where it is still as it was looked
 * at. The kept item is read first, so that the source's is at least as late; and whatever the stream brings in between, or later, wins.
 */

/**
 * Brings what the source holds to its place.
 *
 * @returns why it could not be brought; undefined where it was, or something else has been written there meanwhile
 * @throws BridgeError where the tables can't be reached
 */
export const bringToPlace = async (
  projection: Projection,
  { wanted, kept, readAt }: LookedPair,
  parts: TableSyncParts,
): Promise<string | undefined> => {
  const { client, tables, deadline } = parts
  if (wanted?.projected === undefined) return undefined
  const isCounted = projection.from.versions === 'counted'
  if (isCounted && wanted.version === undefined)
    return 'record.invalid: the item of the source has no version'
  const read = wanted.version ?? scanVersion(readAt)
  const stamp = kept?.stamp
  // A version of the stream must not be stepped back: what came before it could come once more.
  const version = isCounted || stamp === undefined ? read : laterVersion(read, stamp.version)
  const { sourceKey } = wanted
  const occasion = { sourceKey, version, source: 'scan', at: new Date(readAt).toISOString() }
  const change = upsertOf(projection, wanted.projected, occasion)
  if (change.op !== 'upsert') return undefined
  if (stamp === undefined) {
    const payload = (): string => toJsonText({ row: toAttributeValue(change.row).M })
    const { refused, failure } = await applyAll([{ change, payload }], parts, { refused: 'left' })
    if (failure !== undefined) throw failure
    return refused.map(({ code, message }) => `${code}: ${message}`).at(0)
  }
  const command = new PutItemCommand({
    TableName: tables.of(projection.name),
    Item: itemOf(change),
    ...stillAt(sourceKey, stamp.version),
  })
  await unlessChanged(call('PutItem', deadline, (options) => client.send(command, options)))
  return undefined
}

/**
 * Takes away what is made of nothing that the source has, or of what is at another place by now. What comes late doesn't bring it back.
 *
 * @throws BridgeError where the tables can't be reached
 */
export const takeFromPlace = async (
  projection: Projection,
  { pair: { place, sourceKey }, kept, readAt }: LookedPair,
  parts: TableSyncParts,
): Promise<void> => {
  const { client, tables, deadline, tombstones } = parts
  const stamp = kept?.stamp
  if (place === undefined || sourceKey === undefined || stamp === undefined) return
  const { version } = stamp
  const occasion = { sourceKey, version, source: 'scan', at: new Date(readAt).toISOString() }
  const own = {
    TableName: tables.of(projection.name),
    Key: keyItem(projection.key, place),
    ...stillAt(sourceKey, version),
  }
  const buried = tombstoneWrite(tombstones, deleteOf(projection, place, occasion), parts.now())
  const both = new TransactWriteItemsCommand({ TransactItems: [{ Delete: own }, buried] })
  try {
    await call('TransactWriteItems', deadline, (options) => client.send(both, options))
  } catch (error) {
    const [item, tombstone] = cancellationOf(error)?.CancellationReasons ?? []
    const failed = [item, tombstone].map((reason) => reason?.Code === 'ConditionalCheckFailed')
    if (!failed.includes(true)) throw error
    if (failed[0] === true) return
    // A later delete is remembered already.
    const alone = new DeleteItemCommand(own)
    await unlessChanged(call('DeleteItem', deadline, (options) => client.send(alone, options)))
  }
}

const stillAt = (sourceKey: string, version: Version) => ({
  ConditionExpression: '#source = :source AND #version = :version',
  ExpressionAttributeNames: { '#source': STAMP.source, '#version': STAMP.version },
  ExpressionAttributeValues: { ':source': { S: sourceKey }, ':version': { S: versionText(version) } },
})

/** Something else has been written there since: it is looked at again. */
const unlessChanged = async (written: Promise<unknown>): Promise<void> => {
  try {
    await written
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}
