import type { EntityFigures } from '../../../../functions/bridge/status/advice.ts'
import type { Status } from '../../../../functions/bridge/status/status.ts'

export const NOW = Date.parse('2026-11-22T10:00:00.000Z')
export const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString()

export const nothingParked = { value: { keys: 0, complete: true, waiting: 0, codes: [] } }

/** An entity of which all is well, and that was verified. */
export const wellOf = (more: Partial<EntityFigures> = {}): EntityFigures => ({
  ...{ entity: 'chef', mirrored: true, stage: { value: { name: 'mirrored' } } },
  owners: { value: { knownSince: ago(9_000), aurora: 1, dynamo: 2, complete: true } },
  lag: { toAurora: { value: null }, toDynamo: { value: null } },
  parked: { toAurora: nothingParked, toDynamo: nothingParked, conflicts: nothingParked },
  log: { value: { rows: 0, recorded: 0, oldest: 0 } },
  triggers: { value: { there: 6, missing: [], changed: [], needless: [] } },
  verification: { value: { at: ago(60), complete: true, rows: 3, differences: 0 } },
  ...more,
})

/** A stack of which all is well. */
export const wellWhole = (more: Partial<Status> = {}): Omit<Status, 'entities' | 'advice'> => ({
  ...{ schema: 1, at: ago(0), tables: [] },
  undelivered: { value: { batches: 0, complete: true } },
  migrations: { value: { applied: 3, pending: [], interrupted: [] } },
  streams: { value: [{ function: 'BackSync', iteratorAge: null, minutes: 15 }] },
  jobs: { value: [] },
  ...more,
})
