import type { Entity } from '../model/entity.ts'
import type { Route } from '../model/route.ts'
import type { KnownRoute } from '../routes/route-cache.ts'
import type { FacadeParts } from './look.ts'

/**
 * Where routes stand, of which those of retired entities are over, whatever becomes of their records: there is nothing left in
 * Aurora that could be asked.
 */
export const withRetired = (
  entities: readonly Entity[],
  routes: FacadeParts['routes'],
): FacadeParts['routes'] => {
  const retired = new Set(entities.filter((entity) => entity.retired).map(({ name }) => name))
  const over = async (name: string): Promise<KnownRoute> => {
    const { route } = await routes.current(name)
    return { route: asOver(route), isKnown: true, asOf: Number.POSITIVE_INFINITY }
  }
  return {
    now: () => routes.now(),
    current: (name) => (retired.has(name) ? over(name) : routes.current(name)),
    since: (name, moment) => (retired.has(name) ? over(name) : routes.since(name, moment)),
  }
}

/** Settled so long ago that no answer of Aurora's is asked for either. */
const asOver = (route: Route): Route => ({
  ...{ ...route, stage: 'complete', percent: 100, allow: [], deny: [] },
  settled: { epoch: route.epoch, at: new Date(0).toISOString() },
})
