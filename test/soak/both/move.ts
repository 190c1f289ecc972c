import { AuroraRecords } from '../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../functions/bridge/aurora/guarded-writer.ts'
import { claimListed } from '../../../functions/bridge/cutover/listed-claim.ts'
import { DynamoRecords } from '../../../functions/bridge/dynamo/dynamo-records.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../functions/bridge/runtime/tables.ts'
import { mirroredChef as chef, mirroredRecipe as recipe } from '../../fixtures/mirrored/entities.ts'
import type { Ground } from '../ground.ts'
import { openDataApi, openParking } from '../write-back.ts'
import type { Move } from './writers.ts'

const ENTITIES = { chef, recipe } as const
/** A move that takes longer is left as it stands: half done, for the next one to go on with. */
const LIMIT_MS = 30_000

/** Moves keys as `backsync key --claim` does. */
export const openMoves = (ground: Ground): { readonly move: Move; close(): void } => {
  const deadline = new Deadline()
  const { db, close } = openDataApi(ground, deadline)
  const writer = new GuardedWriter(db, deadline)
  const store = new AuroraStore(db, writer)
  const sides = {
    aurora: new AuroraRecords({
      db,
      store,
      sink: new AuroraSink([chef, recipe], { writer, store }),
      catalogue: writer.catalogue,
    }),
    dynamo: new DynamoRecords({
      client: ground.dynamodb,
      tables: new Tables({ chef: ground.tables.chef.name, recipe: ground.tables.recipe.name }),
      deadline,
    }),
  }
  const parking = openParking(ground)
  return {
    move: async (entity, key, to) => {
      deadline.within(LIMIT_MS)
      await claimListed(ENTITIES[entity], key, to, sides, { parking })
    },
    close,
  }
}
