import type { Holding, KeyReport, Ownership } from '../../../../functions/bridge/compare/key-report.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
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
export const describeOwner = ({ is, epoch, to }: Ownership): string => {
  if (is === 'moving') return `moving to ${to}: move ${epoch} is half done`
  if (is === 'undecided') return 'undecided: DynamoDB had it, and its delete is on its way'
  if (is === 'disputed') return 'disputed: each side takes the key for its own'
  return epoch === 0n ? is : `${is}, since move ${epoch}`
}

/** `version 3, of 2026-11-22T10:00:00.000Z: DynamoDB has accepted …` */
export const describeConflict = (head: ParkedHead): string =>
  `version ${describeVersion(head)}, of ${head.lastSeen}: ${head.message}`

/** What to type; undefined when nothing is to be done. */
export const nextStep = ({
  entity,
  key,
  relation,
  parked,
  parkedOutward,
  owner,
  conflict,
}: KeyReport): string | undefined => {
  if (owner?.is === 'moving')
    return `go on with the move: backsync key ${entity} ${quoted(key)} --claim ${owner.to}`
  if (owner?.is === 'disputed')
    return `decide whose it is: backsync key ${entity} ${quoted(key)} --claim dynamo --insist, or aurora`
  if (conflict !== undefined)
    return `decide between the two, then: backsync parked drop ${conflict.entity} ${quoted(conflict.key)}`
  if (parked !== undefined) return `mend the cause, then: backsync parked retry ${entity} ${quoted(key)}`
  if (parkedOutward !== undefined)
    return `mend the cause, then: backsync parked retry ${parkedOutward.entity} ${quoted(key)}`
  if (owner?.is === 'undecided') return 'ask again after the lag; if it stays, see backsync undelivered list'
  if (relation === 'agree' || relation === 'unreadable') return undefined
  return relation === 'conflict'
    ? 'write it once more at the side that is right'
    : `ask again after the lag; if it stays, see backsync undelivered list`
}

/** As a shell takes it. */
const quoted = (text: string): string =>
  /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The report as JSON; rows as the API shows them. */
export const jsonOf = (entity: Entity, { aurora, dynamo, ...report }: KeyReport) => ({
  ...report,
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
