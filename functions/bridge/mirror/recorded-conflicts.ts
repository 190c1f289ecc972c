import type { ChangeLog, RecordedConflict } from '../aurora/change-log.ts'
import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import type { Change } from '../model/change.ts'
import { conflictsOf, ForeignWriteError } from '../model/conflict.ts'
import { InvalidRecordError } from '../model/errors.ts'
import type { Parked } from '../ports/parking.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { Evidence } from '../sync/evidence.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'

type Parts = {
  readonly changes: ChangeLog
  /** From DynamoDB to Aurora. */
  readonly inward: () => Mirror
}

/**
 * Ends what plain SQL has written of keys that DynamoDB owns, of entities that record it: both images are listed as a conflict,
 * and then what DynamoDB holds takes the row's place. A record leaves its table last: who dies before that has it done again.
 *
 * @param entities names of those that record it
 * @returns how many were ended
 */
export const endConflicts = async (entities: readonly string[], parts: Parts): Promise<number> => {
  let ended = 0
  let behind = 0n
  while (entities.length > 0) {
    const rows = await parts.changes.conflicts(entities, behind)
    const last = rows.at(-1)
    if (last === undefined) break
    ended += await endSome(rows, parts)
    behind = last.id
  }
  return ended
}

/**
 * Ends those of entities whose routes are complete: the rows hold what was written, nobody asks for them, and nothing is put in
 * their place any more. They are counted.
 */
export const forgetConflicts = async (
  entities: readonly string[],
  { changes, metrics }: { readonly changes: ChangeLog; readonly metrics: Metrics },
): Promise<void> => {
  while (entities.length > 0) {
    const rows = await changes.conflicts(entities, 0n)
    if (rows.length === 0) return
    for (const { entity } of rows) metrics.count('AfterComplete', entity, 1)
    await changes.removeConflicts(rows.map(({ id }) => id))
  }
}

const endSome = async (rows: readonly RecordedConflict[], { changes, inward }: Parts): Promise<number> => {
  const mirror = inward()
  const done: bigint[] = []
  for (const of of Map.groupBy(rows, ({ entity, key }) => JSON.stringify([entity, key])).values()) {
    const [first] = of
    if (first === undefined) continue
    const { current, fault } = await currentOf(first, mirror)
    await mirror.parking.park([toParked(of, current)], mirror.now())
    mirror.metrics.count('Conflicts', first.entity, of.length)
    mirror.log.warn('plain SQL has written what DynamoDB owns', { entity: first.entity, key: first.key })
    const evidence: Evidence[] = current.map((change) => ({ change, payload: () => describe(change) }))
    if (fault !== undefined) evidence.push(fault)
    const verdicts = await follow(evidence, mirror)
    if (!verdicts.includes('again')) done.push(...of.map(({ id }) => id))
  }
  await changes.removeConflicts(done)
  return done.length
}

/** What DynamoDB holds of a key; none where it isn't DynamoDB's any more. */
const currentOf = async (
  { entity, key, version }: RecordedConflict,
  { source, now }: Mirror,
): Promise<{ readonly current: readonly Change[]; readonly fault?: Evidence }> => {
  try {
    return { current: await source.current({ entity, key, version }, now()) }
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    const payload = () => JSON.stringify({ entity, key })
    return { current: [], fault: { payload, fault: { entity, key, version: undefined, error } } }
  }
}

const toParked = (rows: readonly RecordedConflict[], current: readonly Change[]): Parked => {
  const [{ entity, key } = { entity: '', key: '' }] = rows
  const last = rows.at(-1)
  const { code, message } = new ForeignWriteError('dynamo')
  const written = rows.map(({ op, version, at, content }) => ({
    ...{ op, version: String(version), at },
    row: parsed(content),
  }))
  return {
    ...{ entity: conflictsOf(entity), key, code, message },
    class: 'data',
    byArrival: true,
    ...(last !== undefined && { op: last.op, version: last.version }),
    payload: `{"record":${JSON.stringify(written)},"store":${JSON.stringify(written.at(-1))},"source":[${current.map(describe).join()}]}`,
  }
}

/** As it was recorded, so that it is shown as JSON where it is. */
const parsed = (content: string | null): unknown => {
  if (content === null) return null
  try {
    return JSON.parse(content)
  } catch {
    return content
  }
}

const describe = (change: Change): string =>
  toJsonText({ ...change, ...(change.op === 'upsert' && { row: toAttributeValue(change.row).M }) })
