import type { LogDepth } from '../aurora/change-log.ts'
import type { OwnerCounts } from '../aurora/owner-counts.ts'
import type { EntityTriggers } from '../aurora/triggers/trigger-state.ts'
import type { OfBoth } from '../migrations/report.ts'
import type { MigrationState } from '../migrations/state.ts'
import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import type { ParkedSummary } from '../parking/summary.ts'
import { type Figure, figure } from '../runtime/figure.ts'
import { inLanes } from '../runtime/lanes.ts'
import { adviceOf, type EntityFigures, entityAdviceOf } from './advice.ts'
import type {
  EntityStatus,
  JobFigure,
  LagFigure,
  StageFigure,
  Status,
  TriggersFigure,
  VerificationFigure,
} from './status.ts'

/** How late something was over some minutes: of changes by entity, and of functions that follow streams. */
export type Lateness = {
  /** From a write to its visibility at the other side, by entity; none where nothing arrived. */
  readonly toAurora: ReadonlyMap<string, LagFigure>
  readonly toDynamo: ReadonlyMap<string, LagFigure>
  readonly streams: readonly {
    readonly function: string
    readonly iteratorAge: number | null
    readonly minutes: number
  }[]
}

/** Where the figures of a status come from. Each may fail alone, and none changes anything. */
export type StatusSources = {
  readonly entities: readonly Entity[]
  /** The names of tables that are kept by others. */
  readonly tables: readonly string[]
  readonly ownersKnown: () => Promise<ReadonlyMap<string, string>>
  readonly ownerCounts: (entity: Entity) => Promise<OwnerCounts>
  readonly parked: (name: string) => Promise<ParkedSummary>
  readonly log: () => Promise<ReadonlyMap<string, LogDepth>>
  readonly triggers: (entities: readonly Entity[]) => Promise<readonly EntityTriggers[]>
  readonly undelivered: () => Promise<{
    readonly batches: number
    readonly complete: boolean
    readonly oldest?: string
  }>
  readonly migrations: () => Promise<OfBoth<MigrationState>>
  readonly jobs: () => Promise<readonly JobFigure[]>
  readonly lateness: () => Promise<Lateness>
  /** Where an entity's route stands, where there is a record of it. @default told by what is there */
  readonly routeOf?: ((entity: Entity) => Promise<StageFigure | undefined>) | undefined
  /** What an entity's last verification found. @default never */
  readonly lastVerification?: ((entity: Entity) => Promise<VerificationFigure | undefined>) | undefined
}

/**
 * So long one figure is waited for, in milliseconds, and all that are about entities together: a cluster that is paused takes half a
 * minute to wake.
 */
const WITHIN = 35_000
/** Entities that are asked about at once. */
const LANES = 8
/** With less time left, in milliseconds, none is asked for. */
const TOO_LATE = 10

/**
 * Gathers where a stack stands. A source that fails leaves its own figure unknown, with the reason, and no other.
 *
 * @param options.on what is typed behind each command: which stack is meant
 * @param options.within milliseconds that one figure is waited for, and those of entities together @default 35 s
 */
export const readStatus = async (
  sources: StatusSources,
  { now, on = '', within = WITHIN }: { readonly now: Date; readonly on?: string; readonly within?: number },
): Promise<Status> => {
  const ask = <T>(of: () => Promise<T>): Promise<Figure<T>> => figure(of, within)
  const { entities, tables } = sources
  const [known, log, triggers, undelivered, migrations, jobs, lateness, keptTables] = await Promise.all([
    ask(sources.ownersKnown),
    ask(sources.log),
    ask(() => sources.triggers(entities)),
    ask(sources.undelivered),
    ask(async () => migrationsOf(await sources.migrations())),
    ask(async () => [...(await sources.jobs())]),
    ask(sources.lateness),
    inLanes(tables, LANES, async (table) => ({ table, parked: await ask(() => parkedOf(sources, table)) })),
  ])
  const shared = { known, log, triggers, lateness }
  const end = performance.now() + within
  const askInTime: Asking['ask'] = async (of) => {
    const left = end - performance.now()
    return left < TOO_LATE ? { unknown: 'not asked: what came before it took too long' } : figure(of, left)
  }
  const found = await inLanes(entities, LANES, async (entity): Promise<EntityStatus> => {
    const figures = await entityFigures(entity, { sources, ask: askInTime, shared })
    return { ...figures, ...entityAdviceOf(figures, { now: now.getTime(), on }) }
  })
  const whole = {
    ...{ schema: 1 as const, at: now.toISOString(), tables: keptTables },
    ...{ undelivered, migrations, jobs },
    streams: mapped(lateness, ({ streams }) => [...streams]),
  }
  return { ...whole, entities: found, advice: [...adviceOf(whole, on)] }
}

type Shared = {
  readonly known: Figure<ReadonlyMap<string, string>>
  readonly log: Figure<ReadonlyMap<string, LogDepth>>
  readonly triggers: Figure<readonly EntityTriggers[]>
  readonly lateness: Figure<Lateness>
}
type Asking = {
  readonly sources: StatusSources
  readonly ask: <T>(of: () => Promise<T>) => Promise<Figure<T>>
  readonly shared: Shared
}

const entityFigures = async (
  entity: Entity,
  { sources, ask, shared: { known, log, triggers, lateness } }: Asking,
): Promise<EntityFigures> => {
  const { name, mirror } = entity
  const [counts, toAurora, toDynamo, conflicts, route, verification] = await Promise.all([
    ask(() => sources.ownerCounts(entity)),
    ask(() => parkedOf(sources, name)),
    ask(() => parkedOf(sources, outwardParkingOf(name))),
    ask(() => parkedOf(sources, conflictsOf(name))),
    ask(async () => sources.routeOf?.(entity)),
    ask(async () => (await sources.lastVerification?.(entity)) ?? null),
  ])
  const ownTriggers = mapped(triggers, (all) => triggersOf(all.find((one) => one.entity.name === name)))
  const since = mapped(known, (all) => all.get(name) ?? null)
  return {
    ...{ entity: name, mirrored: mirror !== undefined, verification },
    stage: stageOf(entity, route, ownTriggers),
    owners: both(since, counts, (knownSince, of) => ({ knownSince, ...of })),
    lag: {
      toAurora: mapped(lateness, (of) => of.toAurora.get(name) ?? null),
      toDynamo: mapped(lateness, (of) => of.toDynamo.get(name) ?? null),
    },
    parked: { toAurora, toDynamo, conflicts },
    log: mapped(log, (all) => all.get(name) ?? { rows: 0, recorded: 0, oldest: 0 }),
    triggers: ownTriggers,
  }
}

/** Without a record of its route: mirrored, once its triggers are there. */
const stageOf = (
  { mirror }: Entity,
  route: Figure<StageFigure | undefined>,
  triggers: Figure<TriggersFigure>,
): Figure<StageFigure> => {
  if ('unknown' in route) return route
  if (route.value !== undefined) return { value: route.value }
  if (mirror === undefined) return { value: { name: 'legacy' } }
  return mapped(triggers, ({ missing, changed, fault }) => ({
    name: missing.length + changed.length === 0 && fault === undefined ? 'mirrored' : 'legacy',
  }))
}

const triggersOf = (found: EntityTriggers | undefined): TriggersFigure => {
  const { states = [], fault } = found ?? {}
  const named = (state: string): string[] =>
    states.filter((one) => one.state === state).map(({ name }) => name)
  return {
    there: named('there').length,
    ...{ missing: named('missing'), changed: named('changed'), needless: named('needless') },
    ...(fault !== undefined && { fault }),
  }
}

const migrationsOf = ({ bridge, team }: OfBoth<MigrationState>) => {
  const all = [...bridge.map((one) => ({ ...one, name: `bridge/${one.name}` })), ...team]
  const named = (state: MigrationState['state']): string[] =>
    all.filter((one) => one.state === state).map(({ name }) => name)
  return { applied: named('applied').length, pending: named('pending'), interrupted: named('interrupted') }
}

const parkedOf = async ({ parked }: StatusSources, name: string) => {
  const { codes, ...summary } = await parked(name)
  return { ...summary, codes: codes.map((one) => ({ ...one })) }
}

const mapped = <T, R>(of: Figure<T>, map: (value: T) => R): Figure<R> =>
  'unknown' in of ? of : { value: map(of.value) }

const both = <A, B, R>(one: Figure<A>, other: Figure<B>, map: (a: A, b: B) => R): Figure<R> => {
  if ('unknown' in one) return one
  return mapped(other, (value) => map(one.value, value))
}
