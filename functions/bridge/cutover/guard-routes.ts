import type { Entity } from '../model/entity.ts'
import { kindOf } from '../model/errors.ts'
import type { Log } from '../runtime/log.ts'
import { type LambdaMetrics, WHOLE_STACK } from '../runtime/metrics.ts'
import { type GuardParts, guardRoute, isWatched } from './guard-route.ts'

export type GuardAllParts = GuardParts & {
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly metrics: Pick<LambdaMetrics, 'count' | 'gauge'>
}

/** What became of one look at all routes: names of entities. */
export type GuardedRoutes = {
  /** Those that are on their way, and were judged. */
  readonly judged: readonly string[]
  readonly stepped: readonly string[]
  /** They are worse, and somebody holds them where they are. */
  readonly held: readonly string[]
  /** Nobody can say how they are: what is known of them can't be read, or they can't be moved. */
  readonly unjudged: readonly string[]
}

/** Looks at each route as `guardRoute` does, and tells alarms what it has done. One that can't be judged keeps no other from it. */
export const guardRoutes = async (
  entities: readonly Entity[],
  parts: GuardAllParts,
): Promise<GuardedRoutes> => {
  const { log, metrics } = parts
  const judged: string[] = []
  const stepped: string[] = []
  const held: string[] = []
  const unjudged: string[] = []
  for (const entity of entities) {
    const { name } = entity
    try {
      const outcome = await guardRoute(entity, parts)
      const { decision } = outcome
      if (decision.does === 'step-back' || isWatched(outcome.route)) judged.push(name)
      if (outcome.stepped) {
        stepped.push(name)
        metrics.count('StepsBack', name, 1)
      }
      const isHeld = decision.does === 'nothing' && decision.because === 'frozen'
      if (isHeld && decision.verdict.verdict === 'worse') held.push(name)
    } catch (error) {
      unjudged.push(name)
      log.error('a route can not be judged', { entity: name, error, kind: kindOf(error) })
    }
  }
  if (held.length > 0)
    log.warn('routes are worse and held where they are: see backsync cutover status', {
      routes: held.join(', '),
    })
  metrics.gauge('WorseHeld', WHOLE_STACK, held.length)
  metrics.gauge('Unjudged', WHOLE_STACK, unjudged.length)
  return { judged, stepped, held, unjudged }
}
