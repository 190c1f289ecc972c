import type { Kysely } from 'kysely'
import { countCohorts } from '../aurora/cohort-size.ts'
import { readLifts } from '../aurora/lifts.ts'
import { readOwners } from '../aurora/owners.ts'
import { partsIn } from '../model/cohort.ts'
import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { referringTo } from '../model/references.ts'
import type { Placement, Route, Stage } from '../model/route.ts'
import type { Parking } from '../ports/parking.ts'
import type { Figures, Verified } from './gates.ts'
import type { KeyCount } from './move-extent.ts'
import { writersOf } from './writers.ts'

/** Where figures come from that gates judge by. */
export type FigureSources = {
  readonly db: Kysely<unknown>
  readonly parking: Pick<Parking, 'parkedOf'>
  /** What the last verification of an entity has found; undefined where there was none. */
  readonly lastVerification: (entity: string) => Promise<Verified | undefined>
  /** How long the oldest write of Aurora's has waited for the relay, in milliseconds. */
  readonly lag: () => Promise<number>
  readonly missingTriggers: (entity: Entity) => Promise<readonly string[]>
  readonly openMigrations: () => Promise<readonly string[]>
  /** Whether a fill from Aurora has come to its end. */
  readonly isFilled: (entity: Entity) => Promise<boolean>
  /** Batches that event sources gave up on. */
  readonly undelivered: () => Promise<number>
  /** All of them: some may refer to the one that is asked about. */
  readonly entities: readonly Entity[]
  readonly stageOf: (entity: string) => Promise<Stage>
}

/** A way that was measured is believed for so long, in milliseconds. */
const MEASURED = 10 * 60_000

/** What is known of an entity and of its stores now. @throws whatever a source throws */
export const readFigures = async (
  entity: Entity,
  route: Route,
  sources: FigureSources,
  now: Date = new Date(),
): Promise<Figures> => {
  const { db, parking } = sources
  const { name } = entity
  const [owners, lifts] = [await readOwners(db), await readLifts(db)]
  const listed = async (of: string): Promise<number> => (await parking.parkedOf(of)).size
  const isMirrored = entity.mirror !== undefined
  const { canary } = route
  const measured =
    canary !== undefined && now.getTime() - Date.parse(canary.at) <= MEASURED ? canary : undefined
  return {
    ...{ now: now.getTime(), entity: name, isMirrored, isCounted: entity.versions === 'counted' },
    areOwnersKnown: owners.has(name),
    writers: writersOf(lifts.get(name), now),
    missingTriggers: isMirrored ? await sources.missingTriggers(entity) : [],
    openMigrations: await sources.openMigrations(),
    isFilled: await sources.isFilled(entity),
    verified: await sources.lastVerification(name),
    lag: { toDynamo: await sources.lag(), toAurora: measured?.toAurora },
    parked: (await listed(name)) + (isMirrored ? await listed(outwardParkingOf(name)) : 0),
    conflicts: await listed(conflictsOf(name)),
    undelivered: await sources.undelivered(),
    referring: await openAmong(referringTo(entity, sources.entities), sources),
    ...{ canary, epoch: route.epoch, settled: route.settled, isFrozen: route.frozen !== undefined },
  }
}

const openAmong = async (
  names: readonly string[],
  { stageOf }: Pick<FigureSources, 'stageOf'>,
): Promise<readonly string[]> => {
  const stages = await Promise.all(names.map(stageOf))
  return names.filter((_, at) => stages[at] !== 'complete')
}

/** How many keys change hands between two placements of a route. @throws DataApiError */
export const countKeys = async (
  entity: Entity,
  { salt }: Pick<Route, 'salt'>,
  [from, to]: readonly [Placement, Placement],
  { db }: Pick<FigureSources, 'db'>,
): Promise<KeyCount> => {
  const share = ({ stage, percent }: Placement): number =>
    partsIn(stage === 'complete' ? 100 : stage === 'live' ? percent : 0)
  const { rows, between, exact } = await countCohorts(db, entity, salt, [share(from), share(to)])
  return { keys: rows, moving: between + listsBetween(from, to), exact }
}

const listsBetween = (from: Placement, to: Placement): number =>
  (['allow', 'deny'] as const).reduce(
    (sum, list) =>
      sum +
      to[list].filter((key) => !from[list].includes(key)).length +
      from[list].filter((key) => !to[list].includes(key)).length,
    0,
  )
