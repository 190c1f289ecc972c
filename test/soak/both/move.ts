import { AuroraRecords } from '../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../functions/bridge/aurora/guarded-writer.ts'
import type { ClaimSides } from '../../../functions/bridge/cutover/claim.ts'
import { claimListed } from '../../../functions/bridge/cutover/listed-claim.ts'
import { DynamoRecords } from '../../../functions/bridge/dynamo/dynamo-records.ts'
import { BridgeError } from '../../../functions/bridge/model/errors.ts'
import type { KeyRecords } from '../../../functions/bridge/ports/key-records.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../functions/bridge/runtime/tables.ts'
import { mirroredChef as chef, mirroredRecipe as recipe } from '../../fixtures/mirrored/entities.ts'
import type { Ground } from '../ground.ts'
import { openDataApi, openParking } from '../write-back.ts'
import type { Move } from './writers.ts'

const ENTITIES = { chef, recipe } as const
/** A move that takes longer is left as it stands: half done, for the next one to go on with. */
const LIMIT_MS = 30_000

/** Whoever moved a key is no more. */
class MoverDiedError extends BridgeError {
  override readonly name = 'MoverDiedError'
  readonly code = 'mover.died'
  readonly kind = 'transient'
}

/** The sides as one sees them who changes records so often less one, and is no more then. */
const untilStep = (step: number, { aurora, dynamo }: ClaimSides): ClaimSides => {
  let steps = 0
  const count = (): void => {
    steps += 1
    if (steps >= step) throw new MoverDiedError('The mover has died')
  }
  const mortal = (records: KeyRecords): KeyRecords => ({
    side: records.side,
    read: (entity, key) => records.read(entity, key),
    release: async (...args) => {
      count()
      return records.release(...args)
    },
    take: async (...args) => {
      count()
      return records.take(...args)
    },
    restore: async (...args) => {
      count()
      return records.restore(...args)
    },
  })
  return { aurora: mortal(aurora), dynamo: mortal(dynamo) }
}

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
    move: async (entity, key, to, diesAt) => {
      deadline.within(LIMIT_MS)
      const own = diesAt === undefined ? sides : untilStep(diesAt, sides)
      await claimListed(ENTITIES[entity], key, to, own, { parking })
    },
    close,
  }
}
