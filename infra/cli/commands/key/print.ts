import type { KeyReport } from '../../../../functions/bridge/compare/key-report.ts'
import { eventsOf, type KeyTraces } from '../../../../functions/bridge/compare/key-traces.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Io } from '../../conventions/io.ts'
import { printFacts, printLine, printTable, toJson } from '../../conventions/results.ts'
import {
  describeConflict,
  describeHolding,
  describeOwner,
  describeParked,
  describeRecords,
  describeUndelivered,
  describeWaiting,
  jsonOf,
  nextStep,
} from './describe.ts'

/** All that is known of a key, for a person. @param claim what was done to move it */
export const print = (
  io: Io,
  entity: Entity,
  report: KeyReport,
  traces: KeyTraces,
  claim: string | undefined,
): void => {
  const { aurora, dynamo, differing, parked, parkedOutward, owner, conflicts } = report
  printFacts(io, {
    entity: report.entity,
    key: report.key,
    claim,
    owner: owner === undefined ? 'not known yet' : describeOwner(owner),
    records: describeRecords(report),
    aurora: describeHolding(aurora),
    dynamo: describeHolding(dynamo),
    relation: report.relation,
    differing: differing.length === 0 ? undefined : differing.join(', '),
    parked: parked && describeParked(parked),
    'parked to DynamoDB': parkedOutward && describeParked(parkedOutward),
    ...Object.fromEntries(conflicts.map((one) => [titleOf(one.key, report.key), describeConflict(one)])),
    'in the log': describeWaiting(traces.waiting),
    undelivered: describeUndelivered(traces.undelivered),
    next: nextStep(report, traces),
  })
  const shown = jsonOf(entity, report, traces)
  for (const one of ['aurora', 'dynamo'] as const)
    if ('row' in shown[one]) printLine(io, `${one} ${toJson(shown[one].row)}`)
  const events = eventsOf(report, traces)
  if (events.length === 0) return
  printLine(io, '')
  printTable(
    io,
    ['at', 'where', 'version', 'what'],
    events.map(({ at, where, version, what }) => [
      at,
      where,
      version === undefined ? '-' : String(version),
      what,
    ]),
  )
}

/** `conflict`, and of the others their places: `conflict @2`. */
const titleOf = (slot: string, key: string): string => `conflict ${slot.slice(key.length)}`.trim()
