import { type Entity, requireDistinct } from '../bridge/model/entity.ts'
import { chef } from './chef.ts'
import { recipe } from './recipe.ts'

/** Every entity there is. The stack, the routes, the handlers and the command line read this list. */
export const entities: readonly Entity[] = [chef, recipe]

requireDistinct(entities)
