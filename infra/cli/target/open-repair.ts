import type { RepairParts } from '../../../functions/bridge/backfill/repair.ts'
import { decideFor } from '../../../functions/bridge/cutover/decide.ts'
import type { Context } from '../conventions/command.ts'
import { openBackfill } from './open-backfill.ts'
import { openKeyStores } from './open-key-stores.ts'

/** What a command needs to make keys that differ the same again. */
export const openRepair = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
): RepairParts & Pick<ReturnType<typeof openBackfill>, 'lag'> => ({
  ...openBackfill(context),
  // Opened anew for each key: what bounds it is bounded for one.
  decide: (entity, key, winner) => decideFor(entity, key, winner, openKeyStores(context.target, entity)),
})
