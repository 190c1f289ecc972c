import { openDynamo } from '../../../functions/bridge/drivers/dynamo/client.ts'
import type { Entity } from '../../../functions/bridge/model/entity.ts'
import { cureOf, type SteppedBack, sayBack } from '../../../functions/bridge/model/store-mark.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { openMarks } from '../../../functions/bridge/sync/open-marks.ts'
import { openTriggers } from './open-triggers.ts'
import { outputOf, type Target } from './target.ts'

/** A store of an entity that was restored, for people: what is so, and what to type. */
export type RestoredStore = SteppedBack & { readonly why: string; readonly next: string }

/**
 * Those of the entities of which one store was restored and nobody has said so, by their names.
 *
 * @param entities none whose route is complete: of these there is nothing to recover
 */
export const restoredStores = async (
  target: Target,
  entities: readonly Entity[],
): Promise<ReadonlyMap<string, RestoredStore>> => {
  const names = entities.filter(({ mirror }) => mirror !== undefined).map(({ name }) => name)
  if (names.length === 0) return new Map()
  const table = outputOf(target, 'JobsTableName')
  const own = { db: openTriggers(target), client: openDynamo(), table, deadline: new Deadline() }
  const suffix = target.name === 'local' ? '' : ` --stack ${target.name}`
  const found = await openMarks(own).look(names)
  return new Map(
    found.map((one) => [one.entity, { ...one, why: sayBack(one), next: `${cureOf(one)}${suffix}` }]),
  )
}
