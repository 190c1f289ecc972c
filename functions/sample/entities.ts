import type { Entity } from '../bridge/model/entity.ts'
import { chef } from './chef.ts'
import { recipe } from './recipe.ts'

/** The sample's part of functions/entities/index.ts. */
export const sampleEntities: readonly Entity[] = [chef, recipe]
