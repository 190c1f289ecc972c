import { PLATES, plate } from '../../fixtures/plate.ts'
import { openWorld, type World } from './world.ts'

/** Both sides on real servers, of the entity whose keys either of them may make anew. */
export const openPlates = async (): Promise<World> => {
  const world = await openWorld([plate], { [plate.item.table]: 'Plates' })
  await world.sync.aurora.legacy.query(PLATES)
  return world
}
