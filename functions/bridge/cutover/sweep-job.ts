import type { Entity } from '../model/entity.ts'

/** The kind of the jobs that have routes' keys follow. */
export const SWEEP = 'sweep'

/** The name of the job that has the keys of an entity's route follow. */
export const sweepJobOf = ({ name }: Pick<Entity, 'name'>): string => `${SWEEP}:${name}`
