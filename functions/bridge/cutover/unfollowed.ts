import { isAlive, type JobRecord } from '../jobs/jobs.ts'
import type { Entity } from '../model/entity.ts'
import type { Route } from '../model/route.ts'
import { sweepJobOf } from './sweep-job.ts'

/** For so long keys may follow by their own writes alone before anybody is told, in milliseconds. */
const PATIENCE = 24 * 3_600_000

/**
 * Which routes have keys that may not have followed the last move, or have stopped half way, with nobody who has them do so: a sweep
 * of that move stands still, or there is none, a day behind it. One that is frozen is to stay as it is.
 *
 * @param now milliseconds since 1970
 * @returns the names of their entities
 */
export const unfollowedRoutes = async (
  entities: readonly Entity[],
  {
    routes,
    jobs,
  }: {
    readonly routes: { read(name: string): Promise<{ readonly route: Route }> }
    readonly jobs: { read(job: string): Promise<JobRecord | undefined> }
  },
  now: number,
): Promise<readonly string[]> => {
  const names: string[] = []
  for (const entity of entities) {
    const { route } = await routes.read(entity.name)
    const { epoch, settled, frozen, history } = route
    if (epoch === 0n || settled?.epoch === epoch || frozen !== undefined) continue
    const record = await jobs.read(sweepJobOf(entity))
    const isOfMove = record !== undefined && Object(record.spec).epoch === String(epoch)
    if (isOfMove && isAlive(record, now)) continue
    const standsStill = isOfMove && record.state !== 'done'
    const [last] = history
    if (standsStill || (last !== undefined && now - Date.parse(last.at) > PATIENCE)) names.push(entity.name)
  }
  return names
}
