import { setTimeout as wait } from 'node:timers/promises'
import { type AuroraSource, changeOf, goneOf } from '../aurora/aurora-source.ts'
import type { ChangeLog, LogRow } from '../aurora/change-log.ts'
import type { BeingCalled, ReadRecord } from '../aurora/many-records.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import type { Change } from '../model/change.ts'
import { kindOf } from '../model/errors.ts'
import { nothingApplied } from '../model/outcome.ts'
import type { Epoch } from '../model/owner.ts'
import type { RaisedMarks } from '../model/store-mark.ts'
import type { EndedRoutes } from '../ports/ended.ts'
import type { Log } from '../runtime/log.ts'
import type { Verdict } from '../sync/apply.ts'
import { type Evidence, identityOf, identityOfKey } from '../sync/evidence.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'
import type { StoreMarks } from '../sync/store-marks.ts'
import { unpark } from '../sync/unpark.ts'
import { endConflicts, forgetConflicts } from './recorded-conflicts.ts'
import { WatchedMarks } from './watched-marks.ts'

/** Rows of the log that are carried over at once. */
const ROWS = 1_000
/** Where nothing could be done of what is there, it is tried so often, after so many milliseconds each. */
const VAIN = 3
const PAUSE = 200
/** Pause of one that stays, where a store is away, in milliseconds. */
const LONGER = 1_000
/** No pass is begun with less time left, in milliseconds. */
const RESERVE = 10_000

/** What became of the item that stands against a change: see `takeBack`. */
export type TakeBack = (change: Change) => Promise<'none' | 'again'>

export type RelayParts = {
  /** Names of the entities that are mirrored; of these, those that record what plain SQL writes of DynamoDB's keys. */
  readonly entities: readonly string[]
  readonly recording: readonly string[]
  readonly changes: ChangeLog
  readonly source: AuroraSource
  /** From Aurora to DynamoDB. */
  readonly outward: Mirror
  /** From DynamoDB to Aurora: what waits there for a row of a legacy program's is tried as soon as that is seen. */
  readonly inward: () => Mirror
  readonly takeBack: TakeBack
  /** Whether DynamoDB has a key by a move, or by a later one; a key that has no item is nobody's to give back. */
  readonly takenOver: (entity: string, key: string, move: Epoch) => Promise<boolean>
  /** The entities of which it is known of each record whose its key is. */
  readonly owned: () => Promise<{ has(entity: string): boolean }>
  /** The entities of which nothing is carried any more. @default none */
  readonly ended?: EndedRoutes | undefined
  /** By what it is seen that a store was restored. */
  readonly marks: Pick<StoreMarks, 'begin' | 'judge' | 'raise'>
  readonly log: Log
}

/** One invocation. @param told the keys of which it has said that they are half moved */
type Pass = RelayParts & { readonly told: Set<string>; readonly watched: WatchedMarks }

export type Carried = {
  /** Rows of the log that are done with. */
  readonly rows: number
  /** Of those, how many keys. */
  readonly keys: number
  readonly parked: number
  /** Rows that have to be carried over once more. */
  readonly again: number
  /** Writes of plain SQL that were set aside, and taken back. */
  readonly conflicts: number
}

const AGAIN: Verdict = 'again'
const NOTHING: Carried = { rows: 0, keys: 0, parked: 0, again: 0, conflicts: 0 }

type Stay = {
  /** Pause between two looks into an empty log, in milliseconds; absent: it ends where the log is empty. */
  readonly poll?: number
  /** It ends when the log was empty for so long, in milliseconds. @default it stays for its time */
  readonly linger?: number
  /** @default whether the invocation has time */
  readonly mayBegin?: () => boolean
}

/**
 * Carries what the log says was written over to DynamoDB, until there is nothing more; or for as long as it may stay. Two at once
 * are harmless, and so is one that dies: rows leave the log only once their records were applied, or are listed. Of entities of which
 * one store was restored nothing is carried: their rows stay in the log.
 *
 * @throws SteppedBackError for these, once it has carried the others; another BridgeError when a store can't be reached or is not
 *   set up
 */
export const relay = async (parts: RelayParts, stay: Stay = {}): Promise<Carried> => {
  const entities = await ownedAmong(parts)
  if (entities.length === 0) return NOTHING
  const { marks, ended, log } = parts
  const watched = new WatchedMarks({ entities, marks, ended, log })
  await watched.begin()
  const own: Pass = { ...parts, entities, told: new Set(), watched }
  const total = await carryOn(own, stay)
  watched.require()
  return total
}

const carryOn = async (own: Pass, { poll, linger, mayBegin }: Stay): Promise<Carried> => {
  const { log, outward } = own
  const goesOn = mayBegin ?? (() => outward.deadline.remaining() > RESERVE)
  let total: Carried = NOTHING
  const stays = poll !== undefined && linger === undefined
  let seen = performance.now()
  for (let vain = 0; goesOn(); ) {
    const carried = await carryAll(own, goesOn).catch(async (error: unknown) => {
      if (!stays || kindOf(error) !== 'transient') throw error
      log.warn('trying again', { error })
      await wait(LONGER)
      return NOTHING
    })
    total = { ...add(total, carried), again: carried.again }
    const isDone = carried.rows === 0
    vain = isDone ? vain + 1 : 0
    if (!isDone) seen = performance.now()
    if (own.watched.sound.length === 0) break
    const hasLingered = linger === undefined || performance.now() - seen >= linger
    if (!stays && isDone && hasLingered && (carried.again === 0 || vain > VAIN)) break
    if (isDone) await wait(poll ?? PAUSE)
  }
  return total
}

/** Rows that came from DynamoDB would be taken for Aurora's, as long as they don't say so. */
const ownedAmong = async ({ entities, owned, log }: RelayParts): Promise<readonly string[]> => {
  const known = await owned()
  const unknown = entities.filter((name) => !known.has(name))
  if (unknown.length > 0)
    log.warn('owners are not known: nothing is mirrored before backsync owners take', { entities: unknown })
  return entities.filter((name) => known.has(name))
}

/** Goes once through the log: what can't be done now does not hold up what stands behind it. */
const carryAll = async (parts: Pass, goesOn: () => boolean): Promise<Carried> => {
  const { changes, watched } = parts
  let total = NOTHING
  let behind = 0n
  while (goesOn()) {
    const asked = watched.sound
    if (asked.length === 0) break
    const { rows, marks } = await changes.read(asked, behind, ROWS)
    await watched.judge(marks)
    // Conflicts are ended with what DynamoDB holds: that is judged before, too.
    if (behind === 0n) total = { ...total, conflicts: await endAll(parts) }
    const last = rows.at(-1)
    if (last === undefined) {
      await watched.raiseNowAndThen(marks)
      break
    }
    const sound = rows.filter(({ entity }) => watched.sound.includes(entity))
    total = add(total, await carry(sound, marks, parts))
    behind = last.id
    if (rows.length < ROWS) break
  }
  return total
}

/** Ends what plain SQL has written of keys that DynamoDB owns. @returns how many */
const endAll = async (parts: Pass): Promise<number> => {
  const { recording, watched, changes, outward } = parts
  const { open, ended } = await apart(
    recording.filter((name) => watched.sound.includes(name)),
    parts.ended,
  )
  const count = await endConflicts(open, parts)
  await forgetConflicts(ended, { changes, metrics: outward.metrics })
  return count
}

/** Entities that are carried over, and those whose routes are complete. */
const apart = async (names: readonly string[], ended: EndedRoutes | undefined) => {
  const over = new Set<string>()
  for (const name of names) if ((await ended?.has(name)) === true) over.add(name)
  return { open: names.filter((name) => !over.has(name)), ended: [...over] }
}

/**
 * Whether a record is still carried over whose route is complete: one that was born through the facade, by an instance that
 * knew an earlier move yet. Its client was told that it is there, and until it is claimed Aurora has it alone. Of all others
 * DynamoDB has what counts; and what legacy programs make by themselves is what nobody carries any more.
 */
const isStraggler = ({ owner, epoch }: ReadRecord): boolean => owner === 'aurora' && epoch > 0n

/** Rows of the log of one key. */
type Logged = { readonly last: LogRow; readonly ids: readonly bigint[] }

/** Carries the keys of some rows over, as they are now. @param marks as they were read with the rows */
const carry = async (rows: readonly LogRow[], marks: RaisedMarks, parts: Pass): Promise<Carried> => {
  const { source, changes, outward } = parts
  const byKey = Map.groupBy(rows, ({ entity, key }) => JSON.stringify([entity, key]))
  const logged = [...byKey.values()].flatMap((of): Logged[] => {
    const last = of.at(-1)
    return last === undefined ? [] : [{ last, ids: of.map(({ id }) => id) }]
  })
  const evidence: Evidence[] = []
  const of: Logged[] = []
  const done: bigint[] = []
  let again = 0
  for (const [entity, own] of Map.groupBy(logged, ({ last }) => last.entity)) {
    const isEnded = (await parts.ended?.has(entity)) === true
    const records = await source.records(
      entity,
      own.map(({ last }) => last.key),
    )
    for (const [at, record] of records.entries()) {
      const one = own[at]
      if (one === undefined) continue
      if (record.state === 'called') {
        again += one.ids.length
        continue
      }
      if (isEnded && !isStraggler(record)) {
        outward.metrics.count('AfterComplete', entity, one.ids.length)
        done.push(...one.ids)
        continue
      }
      const made = evidenceOf(one.last, record)
      if (made !== undefined) {
        evidence.push(made)
        of.push(one)
      } else if (await isTakenOver(record, { ...parts, entity })) done.push(...one.ids)
      else {
        again += one.ids.length
        tellHalfMoved(one.last, parts)
      }
    }
  }
  const foreign = new Set<string>()
  const reclaim = async (entity: string, keys: readonly string[]): Promise<void> => {
    for (const key of keys) foreign.add(identityOfKey(entity, key))
  }
  // Behind the read of what is to be applied, and before it is.
  const mayApply = await parts.watched.raise([...new Set(of.map(({ last }) => last.entity))], marks)
  const verdicts = mayApply ? await follow(evidence, { ...outward, reclaim }) : evidence.map(() => AGAIN)
  let parked = 0
  for (const [at, one] of of.entries()) {
    const verdict = await concluded(evidence[at], verdicts[at], foreign, parts)
    if (verdict === 'parked') parked += 1
    if (verdict === 'again') again += one.ids.length
    else done.push(...one.ids)
  }
  await wakeBehind(evidence, verdicts, parts)
  await changes.remove(done)
  return { rows: done.length, keys: logged.length, parked, again, conflicts: 0 }
}

/** Whoever moved it may be about to complete that, or may have died: then somebody has to ask for it once more. */
const tellHalfMoved = ({ entity, key }: LogRow, { told, log }: Pass): void => {
  const name = identityOfKey(entity, key)
  if (told.has(name)) return
  told.add(name)
  const command = `npx backsync key ${entity} '${key}' --claim dynamo`
  log.warn('half moved: its log stays until the move is completed', { entity, key, command })
}

/**
 * Whether DynamoDB has taken a key over that Aurora has given away: whoever took it has what it was. A move that is half done may
 * be given back, and then what was written before it is still to be carried over.
 */
const isTakenOver = async (
  { key, epoch }: ReadRecord,
  { entity, takenOver }: { readonly entity: string; readonly takenOver: RelayParts['takenOver'] },
): Promise<boolean> => epoch === 0n || takenOver(entity, key, epoch)

/**
 * What becomes of the rows of a change: an item that a foreign write has made is taken back once both are set aside, and its key
 * is carried over once more; also where another relay has taken it back.
 *
 * @param foreign of which keys both were set aside
 */
const concluded = async (
  one: Evidence | undefined,
  verdict: Verdict = 'again',
  foreign: ReadonlySet<string>,
  { takeBack }: RelayParts,
): Promise<Verdict> => {
  if (verdict !== 'parked' || one === undefined || !('change' in one)) return verdict
  if (!foreign.has(identityOf(one))) return verdict
  return (await takeBack(one.change)) === 'again' ? 'again' : 'parked'
}

/** Has what waits in the other direction for what came here tried once more. */
const wakeBehind = async (
  evidence: readonly Evidence[],
  verdicts: readonly Verdict[],
  { inward, log }: RelayParts,
): Promise<void> => {
  const seen = evidence.flatMap((one, at) =>
    'change' in one && verdicts[at] !== 'again' ? [one.change] : [],
  )
  if (seen.length === 0) return
  const groups = Map.groupBy(seen, ({ entity }) => entity)
  try {
    await unpark(
      [...groups].map(([name, changes]) => ({ ...nothingApplied, name, changes })),
      inward(),
    )
  } catch (error) {
    if (kindOf(error) === 'configuration') throw error
    // It is due to be tried again by itself.
    log.warn('what waits for these could not be tried again', { error })
  }
}

/** A record as what is to be applied; undefined for what is not Aurora's to bring any more. */
const evidenceOf = (row: LogRow, record: Exclude<ReadRecord, BeingCalled>): Evidence | undefined => {
  if (record.owner === 'dynamo') return undefined
  const { entity, key } = row
  const place = { sequenceNumber: String(row.id) }
  if (record.state === 'unread') {
    const { version, error } = record
    const payload = () => JSON.stringify({ entity, key, version: String(version), op: row.op, at: row.at })
    return { place, payload, fault: { entity, key, version, error } }
  }
  const change = madeOf(row, record)
  return { place, payload: () => describe(change), change }
}

const madeOf = (
  { entity, op, version, at }: LogRow,
  record: Exclude<ReadRecord, { readonly state: 'unread' | 'called' }>,
): Change => {
  if (record.state !== 'absent') return changeOf(entity, record, at)
  // Neither row nor tombstone: nobody has counted that delete.
  return goneOf(entity, record, op === 'delete' && version > 0n ? version : version + 1n, at)
}

/** What was to be applied, as an operator sees it; its row as DynamoDB would have it. */
const describe = (change: Change): string =>
  toJsonText({ ...change, ...(change.op === 'upsert' && { row: toAttributeValue(change.row).M }) })

const add = (one: Carried, other: Carried): Carried => ({
  rows: one.rows + other.rows,
  keys: one.keys + other.keys,
  parked: one.parked + other.parked,
  again: one.again + other.again,
  conflicts: one.conflicts + other.conflicts,
})
