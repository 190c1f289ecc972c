import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { chef } from '../../../../functions/sample/chef.ts'

/** The sample's chefs, to whom nothing refers. */
export const entities: readonly Entity[] = [chef]
