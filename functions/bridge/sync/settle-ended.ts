import type { Evidence } from './evidence.ts'
import type { Mirror } from './mirror.ts'

/**
 * What is of entities whose routes are complete: it is counted, and neither applied nor parked. Nothing is lost by it: before a
 * route can be complete its keys are all DynamoDB's, with their last content, and nobody asks the other store for them any more.
 *
 * @returns those that are settled by that
 */
export const settleEnded = async (
  evidence: readonly Evidence[],
  { ended, metrics, log }: Pick<Mirror, 'ended' | 'metrics' | 'log'>,
): Promise<ReadonlySet<Evidence>> => {
  const settled = new Set<Evidence>()
  if (ended === undefined) return settled
  for (const [entity, of] of Map.groupBy(evidence, entityOf)) {
    const changes = (await ended.has(entity)) ? of.filter((one) => 'change' in one) : []
    const faults = of.filter((one) => 'fault' in one)
    const bad = faults.length > 0 && (await ended.hasTableOf(entity)) ? faults : []
    for (const one of [...changes, ...bad]) settled.add(one)
    const count = changes.length + bad.length
    metrics.count('AfterComplete', entity, count)
    if (count > 0) log.info('the route is complete: nothing was carried', { entity, changes: count })
  }
  return settled
}

const entityOf = (one: Evidence): string => ('change' in one ? one.change.entity : one.fault.entity)
