import {
  carryOutTriggers,
  planInstall,
  planRemoval,
} from '../../functions/bridge/aurora/triggers/install-triggers.ts'
import type { Entity } from '../../functions/bridge/model/entity.ts'
import type { TestAurora } from './aurora.ts'
import { openTestDirect, type TestLogin } from './direct.ts'

/** Makes the triggers of mirrored entities, as `backsync mirror install` does. Their owners have to be known. */
export const installMirror = async (aurora: TestLogin, entities: readonly Entity[]): Promise<void> => {
  const direct = await openTestDirect(aurora)
  try {
    await carryOutTriggers(direct.db, await planInstall(direct.db, entities))
  } finally {
    await direct.close()
  }
}

/** Takes them away. */
export const removeMirror = async (aurora: TestAurora, entities: readonly Entity[]): Promise<void> => {
  const direct = await openTestDirect(aurora)
  try {
    await carryOutTriggers(direct.db, await planRemoval(direct.db, entities))
  } finally {
    await direct.close()
  }
}
