import type { WaitingOfKey } from '../aurora/change-log.ts'
import type { Version } from '../model/change.ts'
import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { conflictSlots } from '../ports/conflict-slots.ts'
import type { ParkedHead } from '../ports/parking.ts'
import type { UndeliveredOfKey } from '../ports/undelivered-records.ts'
import { type Figure, figure, told } from '../runtime/figure.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Holding, KeyReport } from './key-report.ts'

/** What a key has left beside its records: each told, or why it can't be. */
export type KeyTraces = {
  /** Its writes that wait to be carried over to DynamoDB, and those that plain SQL had no right to and that wait to be listed. */
  readonly waiting: Figure<WaitingOfKey>
  /** Its records in batches that an event source gave up on. */
  readonly undelivered: Figure<UndeliveredOfKey>
  /** What was parked of it and is no more, the newest first. */
  readonly resolved: Figure<readonly ParkedHead[]>
}

export type TraceSources = {
  readonly waiting: (entity: string, key: string, most: number) => Promise<WaitingOfKey>
  readonly undelivered: (entity: string, key: string) => Promise<UndeliveredOfKey>
  readonly resolved: (entity: string, key: string) => Promise<readonly ParkedHead[]>
}

/** So long one of them is waited for, in milliseconds, a cluster that wakes up included. */
const WITHIN = 40_000
/** Rows of the log that are told; who has more writes it in a loop. */
const MOST_ROWS = 20
/** Places of the parking that are asked at once. */
const LANES = 8

/**
 * Asks what else is known of a key. One that fails leaves the others.
 *
 * @param key as the row has it: the report's
 */
export const traceKey = async (entity: Entity, key: string, sources: TraceSources): Promise<KeyTraces> => {
  const [waiting, undelivered, resolved] = await Promise.all([
    figure(() => sources.waiting(entity.name, key, MOST_ROWS), WITHIN),
    figure(() => sources.undelivered(entity.name, key), WITHIN),
    figure(() => resolvedOf(entity, key, sources), WITHIN),
  ])
  return { waiting, undelivered, resolved }
}

const resolvedOf = async (
  { name, mirror }: Entity,
  key: string,
  { resolved }: TraceSources,
): Promise<readonly ParkedHead[]> => {
  const places = [
    { entity: name, key },
    ...(mirror === undefined ? [] : [{ entity: outwardParkingOf(name), key }]),
    ...conflictSlots(key).map((slot) => ({ entity: conflictsOf(name), key: slot })),
  ]
  const found = await inLanes(places, LANES, (of) => resolved(of.entity, of.key))
  return found.flat().toSorted((a, b) => newestFirst(endOf(a), endOf(b)))
}

/** Something that became of a key, where, and when. */
export type KeyEvent = {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly where: 'aurora' | 'dynamo' | 'log' | 'plain SQL' | 'parked' | 'resolved' | 'undelivered'
  readonly what: string
  readonly version?: Version
}

/** Events that are told. */
const MOST_EVENTS = 20

/** The latest that is known of a key, the newest first: what each store and each list has a time of, and nothing in between. */
export const eventsOf = (report: KeyReport, traces: KeyTraces): readonly KeyEvent[] => {
  const { log = [], recorded = [] } = told(traces.waiting) ?? {}
  const parked = [report.parked, report.parkedOutward, ...report.conflicts].filter((one) => one !== undefined)
  const ofParked = ({ entity, code, version }: ParkedHead, what: string) => ({
    what: `${what} as ${entity}: ${code}`,
    ...(version !== undefined && { version }),
  })
  const events: KeyEvent[] = [
    ...held('aurora', report.aurora),
    ...held('dynamo', report.dynamo),
    ...(report.aurora.is === 'held' && report.tombstone?.at !== undefined
      ? [
          {
            at: report.tombstone.at,
            where: 'aurora' as const,
            what: 'deleted before',
            version: report.tombstone.version,
          },
        ]
      : []),
    ...log.map(({ at, op, version }) => ({
      at,
      where: 'log' as const,
      what: `${op}, to be carried over`,
      version,
    })),
    ...recorded.map(({ at, op, version }) => ({
      ...{ at, where: 'plain SQL' as const, what: `${op} of DynamoDB's key, to be listed`, version },
    })),
    ...parked.map((head) => ({
      at: head.lastSeen,
      where: 'parked' as const,
      ...ofParked(head, 'set aside'),
    })),
    ...(told(traces.resolved) ?? []).map((head) => ({
      ...{ at: endOf(head), where: 'resolved' as const, ...ofParked(head, head.state) },
    })),
    ...(told(traces.undelivered)?.records ?? []).map(({ at, op, version, batch }) => ({
      ...{ at, where: 'undelivered' as const, what: `${op ?? 'a record'} in ${batch}` },
      ...(version !== undefined && { version }),
    })),
  ]
  return events.toSorted((a, b) => newestFirst(a.at, b.at)).slice(0, MOST_EVENTS)
}

const held = (where: 'aurora' | 'dynamo', holding: Holding): KeyEvent[] => {
  if ((holding.is !== 'held' && holding.is !== 'deleted') || holding.at === undefined) return []
  const { at, version } = holding
  return [{ at, where, what: holding.is === 'held' ? 'written' : 'deleted', version }]
}

const endOf = ({ resolvedAt, lastSeen }: ParkedHead): string => resolvedAt ?? lastSeen

const newestFirst = (a: string, b: string): number => (a > b ? -1 : a < b ? 1 : 0)

/** Whether something of a key is left that somebody has to end: more than what is on its way by itself. */
export const isLeft = ({ waiting, undelivered }: KeyTraces): boolean =>
  (told(waiting)?.recorded.length ?? 0) > 0 || (told(undelivered)?.records.length ?? 0) > 0
