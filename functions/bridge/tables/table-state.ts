import { describeTable } from '../drivers/dynamo/describe.ts'
import { type FillParts, readFill } from './fill.ts'
import { fillCommandOf } from './following.ts'
import type { Projection } from './projection.ts'

/** Where a kept table stands, as scripts get it; people get the same in a table. */
export type TableState = {
  readonly name: string
  readonly kind: Projection['kind']
  readonly from: string
  /**
   * `following`: its stream keeps it, and nothing has filled in what was there before. `filling`, `stopped`, `failed`:
   * the job that does. `filled`: it is as its source. `finished`: the stream's changes are no longer for it.
   */
  readonly state: 'following' | 'filling' | 'stopped' | 'failed' | 'filled' | 'finished'
  readonly segments: number
  readonly segmentsDone: number
  /** Of the items that the source is believed to have, 0 to 100; absent where that isn't known. */
  readonly percent?: number
  readonly items: number
  readonly applied: number
  readonly skipped: number
  readonly parked: number
  /** Who fills it, or did so last, and what became of it. */
  readonly by?: string
  readonly updatedAt?: string
  readonly message?: string
  /** When the stream's function last applied something; ISO 8601, UTC. */
  readonly lastAppliedAt?: string
  readonly finishedAt?: string
  /** Commands to paste. */
  readonly nextSteps: readonly string[]
}

/** @throws MissingTableError, DynamoError, DeadlineError */
export const readTableState = async (
  projection: Projection,
  { sync, jobs }: FillParts,
): Promise<TableState> => {
  const { name, kind, from } = projection
  const [{ state: kept, lastAppliedAt, finishedAt }, fill, parked, estimate] = await Promise.all([
    sync.states.read(name),
    readFill(jobs, projection, sync.now().getTime()),
    sync.parking.parkedOf(name),
    describeTable(sync.client, sync.tables.of(from.name), { deadline: sync.deadline }),
  ])
  const { record, segments, segmentsDone, tally } = fill
  const state = kept === 'finished' ? 'finished' : STATES[fill.state]
  const percent = fill.state === 'done' ? 100 : Math.floor((100 * tally.items) / estimate.items)
  return {
    name,
    kind,
    from: from.name,
    state,
    segments,
    segmentsDone,
    ...(record !== undefined && percent <= 100 && { percent }),
    items: tally.items,
    applied: tally.applied,
    skipped: tally.skipped,
    parked: parked.size,
    ...(record !== undefined && { by: record.by, updatedAt: record.updatedAt }),
    ...(record?.message !== undefined && { message: record.message }),
    ...(lastAppliedAt !== undefined && { lastAppliedAt }),
    ...(state === 'finished' && finishedAt !== undefined && { finishedAt }),
    nextSteps: nextStepsOf(projection, state, parked.size),
  }
}

const STATES = {
  never: 'following',
  running: 'filling',
  stopped: 'stopped',
  failed: 'failed',
  done: 'filled',
} as const

const nextStepsOf = ({ name, kind }: Projection, state: TableState['state'], parked: number): string[] => {
  const look = parked === 0 ? [] : [`npx backsync parked list --entity ${name}`]
  switch (state) {
    case 'following':
    case 'stopped':
    case 'failed':
      return [...look, fillCommandOf({ name, kind })]
    case 'filled':
      if (kind === 'replicate') return look
      return parked === 0 ? [`npx backsync reshape finish ${name}`] : look
    case 'filling':
      return look
    case 'finished':
      return []
  }
}
