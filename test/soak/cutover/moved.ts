import type { Entity } from '../../../functions/bridge/model/entity.ts'
import { movedChef, movedPlate } from '../../fixtures/cutover/entities.ts'

/** What is moved to and fro: keys that are made at random, and keys that clients choose. */
export type MovedEntity = 'chef' | 'plate'

export const MOVED: Readonly<Record<MovedEntity, Entity>> = { chef: movedChef, plate: movedPlate }
// The object's own keys.
export const movedNames = Object.keys(MOVED) as readonly MovedEntity[]
