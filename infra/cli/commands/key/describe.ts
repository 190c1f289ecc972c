import type { Holding, KeyOwnership, KeyReport } from '../../../../functions/bridge/compare/key-report.ts'
import { eventsOf, type KeyTraces } from '../../../../functions/bridge/compare/key-traces.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import { told } from '../../../../functions/bridge/runtime/figure.ts'
import { describeVersion } from '../parked/describe.ts'

/** `version 3 of 2026-11-22T10:00:00.000Z` */
export const describeHolding = (holding: Holding): string => {
  if (holding.is === 'absent') return 'nothing'
  if (holding.is === 'unreadable') return `unreadable, ${holding.code}: ${holding.message}`
  const time = holding.at === undefined ? '' : ` of ${holding.at}`
  return `${holding.is === 'deleted' ? 'deleted at ' : ''}version ${holding.version}${time}`
}

/** `version 3, sql.1406: firstName is too long for its column` */
export const describeParked = (head: ParkedHead): string =>
  `version ${describeVersion(head)}, ${head.code}: ${head.message}`

/** `dynamo, since move 3` */
export const describeOwner = ({ is, epoch, to }: KeyOwnership): string => {
  if (is === 'moving') return `moving to ${to}: move ${epoch} is half done`
  if (is === 'undecided') return 'undecided: DynamoDB had it, and its delete is on its way'
  if (is === 'disputed') return 'disputed: each side takes the key for its own'
  return epoch === 0n ? is : `${is}, since move ${epoch}`
}

/** `version 3, of 2026-11-22T10:00:00.000Z: DynamoDB has accepted …` */
export const describeConflict = (head: ParkedHead): string =>
  `version ${describeVersion(head)}, of ${head.lastSeen}: ${head.message}`

/** `aurora says dynamo, move 3; dynamo says dynamo, move 3`: only where they don't say the same. */
export const describeRecords = ({ records: { aurora, dynamo } }: KeyReport): string | undefined => {
  if (aurora === undefined || dynamo === undefined) return undefined
  if (aurora.owner === dynamo.owner && aurora.epoch === dynamo.epoch) return undefined
  const saying = (side: string, { owner, epoch }: typeof aurora) => `${side} says ${owner}, move ${epoch}`
  return `${saying('aurora', aurora)}; ${saying('dynamo', dynamo)}`
}

/** `2 writes to be carried over, since 2026-11-22T10:00:00.000Z`; undefined where there is nothing. */
export const describeWaiting = (waiting: KeyTraces['waiting']): string | undefined => {
  if ('unknown' in waiting) return `not known: ${waiting.unknown}`
  const { log, recorded } = waiting.value
  const parts = [
    log[0] && `${counted(log.length, 'write')} to be carried over, since ${log[0].at}`,
    recorded[0] && `${recorded.length} of plain SQL to be listed, since ${recorded[0].at}`,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join('; ')
}

/** `1 record, in 2026-11-22T10.00.00-…`; undefined where there is none. */
export const describeUndelivered = (undelivered: KeyTraces['undelivered']): string | undefined => {
  if ('unknown' in undelivered) return `not known: ${undelivered.unknown}`
  const { records, looked, batches } = undelivered.value
  const beyond = looked < batches ? `the first ${looked} of ${batches} batches were looked at` : undefined
  if (records.length === 0) return beyond && `none found: ${beyond}`
  const names = [...new Set(records.map(({ batch }) => batch))].join(', ')
  return `${counted(records.length, 'record')}, in ${names}${beyond === undefined ? '' : ` (${beyond})`}`
}

/** What to type; undefined when nothing is to be done. */
export const nextStep = (report: KeyReport, traces: KeyTraces): string | undefined => {
  const { entity, key, relation, parked, parkedOutward, owner, conflict } = report
  const [lost] = told(traces.undelivered)?.records ?? []
  const { log = [], recorded = [] } = told(traces.waiting) ?? {}
  if (owner?.is === 'moving')
    return `go on with the move: backsync key ${entity} ${quoted(key)} --claim ${owner.to}`
  if (owner?.is === 'disputed')
    return `decide whose it is: backsync key ${entity} ${quoted(key)} --claim dynamo --insist, or aurora`
  if (conflict !== undefined)
    return `decide between the two, then: backsync parked drop ${conflict.entity} ${quoted(conflict.key)}`
  if (parked !== undefined) return `mend the cause, then: backsync parked retry ${entity} ${quoted(key)}`
  if (parkedOutward !== undefined)
    return `mend the cause, then: backsync parked retry ${parkedOutward.entity} ${quoted(key)}`
  if (lost !== undefined) return `deliver it again: backsync undelivered redrive ${lost.batch}`
  if (recorded.length > 0) return 'the relay lists what plain SQL has written: ask again after the lag'
  if (relation !== 'agree' && log.length > 0)
    return 'the relay carries it over: ask again after the lag; if it stays, see backsync mirror status'
  if (owner?.is === 'undecided') return 'ask again after the lag; if it stays, see backsync undelivered list'
  if (relation === 'agree' || relation === 'unreadable') return undefined
  return relation === 'conflict'
    ? 'write it once more at the side that is right'
    : `ask again after the lag; if it stays, see backsync undelivered list`
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** As a shell takes it. */
const quoted = (text: string): string =>
  /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The report as JSON; rows as the API shows them. What could not be asked is `{ "unknown": "why" }`, else `{ "value": … }`. */
export const jsonOf = (entity: Entity, whole: KeyReport, traces: KeyTraces) => {
  const { aurora, dynamo, ...report } = whole
  return {
    ...report,
    ...sidesOf(entity, { aurora, dynamo }),
    ...traces,
    events: eventsOf(whole, traces),
  }
}

const sidesOf = (entity: Entity, { aurora, dynamo }: Pick<KeyReport, 'aurora' | 'dynamo'>) => ({
  aurora: sideOf(entity, aurora),
  dynamo: sideOf(entity, dynamo),
})

const sideOf = (entity: Entity, holding: Holding) => {
  if (holding.is !== 'held') return holding
  const { key: _, ...side } = holding
  return { ...side, row: shown(entity, holding.row) }
}

const shown = (entity: Entity, row: Row) =>
  Object.fromEntries(
    Object.entries(entity.fields).map(([name, field]) => [field.as ?? name, field.toJson(row[name] ?? null)]),
  )
