import type { Kysely } from 'kysely'
import { type LeftBehind, readLeftBehind } from '../aurora/left-behind.ts'
import { triggerStates } from '../aurora/triggers/trigger-state.ts'
import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { pathOf } from '../model/paths.ts'
import { referringTo } from '../model/references.ts'
import { isOver, type Route, standsAt } from '../model/route.ts'
import type { Parking } from '../ports/parking.ts'
import type { DynamoRoutes } from '../routes/dynamo-routes.ts'
import { type ContractMigration, contractMigrationOf, isBridgeIndex } from './contract-migration.ts'
import type { Refusal } from './gates.ts'

export type DecommissionParts = {
  readonly db: Kysely<unknown>
  readonly routes: Pick<DynamoRoutes, 'read'>
  readonly parking: Pick<Parking, 'parkedOf'>
  /** All of them. */
  readonly entities: readonly Entity[]
  /** Names of tables that are kept by others, and the tables in DynamoDB that they are kept by. */
  readonly keptTables: readonly { readonly name: string; readonly source: string }[]
  /** Batches that event sources gave up on. */
  readonly undelivered: () => Promise<number>
  /** The number of a new migration of the team's: above all that there are, here and where they are applied. */
  readonly nextMigration: () => Promise<number>
}

/** What still touches an entity at its legacy side, and what takes it away. */
export type DecommissionPlan = {
  readonly entity: Entity
  readonly route: Route
  readonly legacyPath: string
  readonly left: LeftBehind
  readonly triggers: readonly string[]
  readonly parked: number
  readonly conflicts: number
  readonly undelivered: number
  /** They go on: they read DynamoDB. */
  readonly keptTables: readonly string[]
  /** What stands against it, each with its cure. */
  readonly refusals: readonly Refusal[]
  /** Undefined where nothing is left in Aurora. */
  readonly contract: ContractMigration | undefined
}

/** Looks at what is left of an entity whose route is complete. It changes nothing. @throws whatever a store throws */
export const planDecommission = async (
  entity: Entity,
  parts: DecommissionParts,
): Promise<DecommissionPlan> => {
  const { db, routes, parking, entities } = parts
  const { name } = entity
  const { route } = await routes.read(name)
  const listed = async (of: string): Promise<number> => (await parking.parkedOf(of)).size
  // Whatever a mirror would want: those that are there are to go.
  const { mirror: _, ...plain } = entity
  const [left, states] = [await readLeftBehind(db, entity), await triggerStates(db, [plain])]
  const triggers = states.flatMap(({ states: of }) =>
    of.filter(({ on }) => on !== undefined).map((one) => one.name),
  )
  const stages = await Promise.all(
    referringTo(entity, entities).map(async (other) => ({ other, route: (await routes.read(other)).route })),
  )
  const figures = {
    ...{ entity, route, left, triggers },
    parked: (await listed(name)) + (await listed(outwardParkingOf(name))),
    conflicts: await listed(conflictsOf(name)),
    undelivered: await parts.undelivered(),
    keptTables: parts.keptTables.filter(({ source }) => source === entity.item.table).map((one) => one.name),
  }
  const refusals = [
    ...ofRoute(figures),
    ...stages.filter((one) => !isOver(one.route)).map((one) => ofReferring(name, one.other, one.route)),
    ...entities.filter((other) => isBeside(other, entity)).map((other) => ofSharing(other, entity)),
    ...ofLeftovers(figures),
  ]
  const contract = contractMigrationOf(entity, left, route, await parts.nextMigration())
  return { ...figures, legacyPath: pathOf(entity, 'aurora'), refusals, contract }
}

type Found = Pick<DecommissionPlan, 'entity' | 'route' | 'left' | 'triggers' | 'parked' | 'conflicts'>

const ofRoute = ({ entity: { name }, route }: Found): Refusal[] => {
  if (isOver(route)) return []
  if (route.stage === 'complete')
    return [
      {
        gate: 'settled',
        says: `not every key is known to be of move ${route.epoch}`,
        cure: `npx backsync cutover sweep ${name}`,
      },
    ]
  return [
    {
      gate: 'complete',
      says: `its route is ${standsAt(route)}`,
      cure: `npx backsync cutover plan ${name} complete`,
    },
  ]
}

const ofReferring = (name: string, other: string, route: Route): Refusal => ({
  gate: 'referring',
  says: `${other} refers to ${name}, and its route is ${standsAt(route)}${route.stage === 'complete' ? ', not settled' : ''}: its rows could not be written any more`,
  cure:
    route.stage === 'complete'
      ? `npx backsync cutover sweep ${other}`
      : `npx backsync cutover plan ${other} complete`,
})

/** Whether another entity is kept in the same table. */
const isBeside = (other: Entity, { name, table }: Entity): boolean =>
  other.name !== name && other.table.toLowerCase() === table.toLowerCase() && !other.retired

const ofSharing = (other: Entity, { table }: Entity): Refusal => ({
  gate: 'table',
  says: `${other.name} is kept in the table ${table}, too: the columns are its as well`,
  cure: `have the route of ${other.name} complete and its definition say retired: true before, or write the migration by hand`,
})

const ofLeftovers = ({ entity: { name, table }, left, triggers, parked, conflicts }: Found): Refusal[] => {
  const mixed = left.indexes.filter((index) => !isBridgeIndex(index)).map((index) => index.name)
  const refusals: (Refusal | false)[] = [
    triggers.length > 0 && {
      gate: 'triggers',
      says: `${triggers.length} triggers are there: each write of its tables would fail once the columns are gone, and the Data API can't drop them`,
      cure: `npx backsync mirror remove ${name}`,
    },
    parked > 0 && {
      gate: 'parked',
      says: `${parked} changes are parked: nobody would see them again`,
      cure: `npx backsync parked list, then: npx backsync parked drop ${name} KEY`,
    },
    conflicts > 0 && {
      gate: 'conflicts',
      says: `${conflicts} conflicts are open`,
      cure: `npx backsync parked list, decide, then: npx backsync parked drop ${name}.conflicts KEY`,
    },
    mixed.length > 0 && {
      gate: 'indexes',
      says: `indexes of ${table} have columns of the bridge's beside others: ${mixed.join(', ')}`,
      cure: 'drop these, or make them anew, by a migration of yours',
    },
  ]
  return refusals.filter((one) => one !== false)
}
