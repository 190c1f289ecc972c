import { type Change, subjectOf } from '../model/change.ts'
import { kindOf } from '../model/errors.ts'
import type { Rejected, StreamBatch, StreamChange } from '../normalise/stream.ts'
import type { Parked, ParkedHead } from '../ports/parked.ts'
import { comparePlaces, type Place } from '../ports/place.ts'
import { applyPatiently, type NamedOutcome } from './apply-patiently.ts'
import { countParked, parkedChange, parkedRecord } from './parking-entry.ts'
import type { SyncParts } from './parts.ts'
import { recheck, unpark } from './unpark.ts'

/** What Lambda wants to hear of a batch: the records to deliver again. An empty list means that all are done. */
export type StreamAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }

/**
 * Applies a batch of the stream. Each good record is applied, whatever stands before it; each bad one is parked with its
 * whole payload, so that it holds up none behind it. Only what could neither be applied nor parked is reported, to be
 * delivered again: records behind it come again with it, which the guard makes harmless.
 *
 * @throws BridgeError when the store can't be reached, or when it or parking is not set up: then the whole batch is delivered again
 */
export const applyStream = async (batch: StreamBatch, parts: SyncParts): Promise<StreamAnswer> => {
  const { parking, log, metrics } = parts
  // What is parked already is read before anything is applied: what this batch parks itself must not count.
  const changesOf = byEntity(batch.changes)
  const heads = readHeads(parts, [...changesOf.keys()])
  // Awaited below; a failure before that must not end the process.
  heads.catch(() => undefined)

  const outcomes = await applyPatiently(changesOf, parts)
  report(batch, outcomes, parts)

  const toPark = [...batch.rejected.map(parkedRecord), ...outcomes.flatMap(refusals(batch, parts))]
  try {
    await parking.park(toPark, parts.now())
    countParked(toPark, metrics)
    for (const { entity, key, version, code, class: errorClass } of toPark)
      log.error('parked', { entity, key, version: version?.toString(), code, class: errorClass })
    await supersede(await heads, outcomes, batch, parts)
    await recheck(outcomes, parts)
    await unpark(outcomes, parts)
    return { batchItemFailures: [] }
  } catch (error) {
    // Nothing gets better by itself: the function must be seen to fail.
    if (kindOf(error) === 'configuration') throw error
    // What was applied stays applied. Nothing here is lost: the records that need parking come again, and what is left
    // parked by mistake is still listed.
    log.error('parking failed', { error })
    const needed = new Set(toPark.map(({ sequenceNumber }) => sequenceNumber))
    const failed = [...batch.changes, ...batch.rejected].filter(
      ({ sequenceNumber }) => needed.size === 0 || needed.has(sequenceNumber),
    )
    return { batchItemFailures: failed.map(({ sequenceNumber }) => ({ itemIdentifier: sequenceNumber })) }
  }
}

const byEntity = (changes: readonly StreamChange[]): ReadonlyMap<string, readonly Change[]> => {
  const groups = new Map<string, Change[]>()
  for (const { change } of changes) {
    const group = groups.get(change.entity)
    if (group === undefined) groups.set(change.entity, [change])
    else group.push(change)
  }
  return groups
}

type Heads = ReadonlyMap<string, ReadonlyMap<string, ParkedHead>>

const readHeads = async ({ parking }: SyncParts, entities: readonly string[]): Promise<Heads> =>
  new Map(
    await Promise.all(entities.map(async (entity) => [entity, await parking.parkedOf(entity)] as const)),
  )

/** What a batch's refused changes look like parked, each with the record that it came from. */
const refusals =
  (batch: StreamBatch, { sink }: SyncParts) =>
  ({ refused }: NamedOutcome): Parked[] =>
    refused.map((one) => {
      const source = batch.changes.find(({ change }) => change === one.change)
      return parkedChange(sink, one, {
        ...(source && { sequenceNumber: source.sequenceNumber }),
        payload: JSON.stringify(source?.record),
      })
    })

/**
 * A parked key of which the store now holds the same or a later version waits no more. A record too broken to tell its
 * version is placed by its sequence number: an older change that is delivered again must not end its parking.
 */
const supersede = async (
  heads: Heads,
  outcomes: readonly NamedOutcome[],
  batch: StreamBatch,
  parts: SyncParts,
): Promise<void> => {
  const placeOf = new Map(batch.changes.map(({ change, sequenceNumber }) => [change, sequenceNumber]))
  for (const { name, changes, refused } of outcomes) {
    const parked = heads.get(name)
    if (parked === undefined || parked.size === 0) continue
    const failed = new Set(refused.map(({ change }) => subjectOf(change)))
    for (const change of changes) {
      const { version } = change
      const key = subjectOf(change)
      const head = parked.get(key)
      if (head === undefined || failed.has(key)) continue
      const sequenceNumber = placeOf.get(change)
      const upTo = { version, ...(sequenceNumber !== undefined && { sequenceNumber }) }
      if (comparePlaces(upTo, head) < 0) continue
      // Half of a record may be good, such as that an item leaves its old place, and the other half be what is parked.
      const bad = batch.rejected.filter((one) => one.entity === name && one.key === key)
      if (bad.some((one) => comparePlaces(upTo, placeOfRejected(one)) <= 0)) continue
      const how = version === head.version ? 'applied' : 'superseded'
      if (await parts.parking.resolve(name, key, version, how, parts.now(), sequenceNumber))
        parts.metrics.count(how === 'applied' ? 'Unparked' : 'Superseded', name, 1)
    }
  }
}

const placeOfRejected = ({ version, sequenceNumber }: Rejected): Place => ({
  sequenceNumber,
  ...(version !== undefined && { version }),
})

const report = (
  batch: StreamBatch,
  outcomes: readonly NamedOutcome[],
  { metrics, log, now }: SyncParts,
): void => {
  for (const [table, count] of batch.ignored) metrics.count('Ignored', table, count)
  for (const { change, unknownAttributes } of batch.changes)
    if (unknownAttributes > 0) metrics.count('UnknownAttributes', change.entity, unknownAttributes)
  for (const { name, changes, applied, skipped, refused } of outcomes) {
    metrics.count('Applied', name, applied)
    metrics.count('SkippedAsOlder', name, skipped)
    const failed = new Set(refused.map(({ change }) => change))
    const at = now().getTime()
    for (const change of changes)
      if (!failed.has(change)) metrics.milliseconds('Lag', name, at - Date.parse(change.at))
    log.info('applied', {
      entity: name,
      ...(changes.length === 1 && identify(changes)),
      applied,
      skipped,
      refused: refused.length,
    })
  }
}

/** One change is named in the log; of a batch the counts say enough. */
const identify = ([only]: readonly Change[]): { key?: string; version?: string } =>
  only === undefined ? {} : { key: only.key, version: String(only.version) }
