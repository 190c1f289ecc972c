import { reportKey } from '../../../functions/bridge/compare/key-report.ts'
import type { Entity } from '../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../functions/bridge/model/owner.ts'
import { openKeyStores } from './open-key-stores.ts'
import { outputOf, type Target } from './target.ts'

/** The address of a stack's API, without a slash at its end. @throws CliError when the stack has none */
export const apiOf = (target: Target): string => outputOf(target, 'ApiUrl').replace(/\/+$/, '')

/** Whose a key is, in words of the report and as the side that has to answer; undefined while it is nobody's for certain. */
export const ownerOfKey = async (
  target: Target,
  entity: Entity,
  key: string,
): Promise<{ readonly is: string; readonly owner: Owner | undefined }> => {
  const { owner } = await reportKey(entity, key, openKeyStores(target, entity))
  const is = owner?.is ?? 'not known yet'
  return { is, owner: is === 'aurora' || is === 'dynamo' ? is : undefined }
}
