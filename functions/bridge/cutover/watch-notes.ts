import type { JobNotes } from '../jobs/job-notes.ts'
import type { Log } from '../runtime/log.ts'
import { type RouteWatch, watchSchema } from './route-watch.ts'

/** What the guard's notes stand under, beside jobs. */
const guardOf = (entity: string): string => `guard:${entity}`
const WATCH = 'watch'

/**
 * What the guard knows of routes, kept between its runs. Whoever runs it writes all of it: of two at once the one that has counted
 * less may write last, and what the other one counted is counted once more on that.
 */
export class WatchNotes {
  readonly #notes: Pick<JobNotes, 'read' | 'put'>
  readonly #log: Pick<Log, 'warn'>

  constructor(notes: Pick<JobNotes, 'read' | 'put'>, log: Pick<Log, 'warn'>) {
    this.#notes = notes
    this.#log = log
  }

  /**
   * @returns undefined where there is none, or it was kept by another release's bets: the guard begins anew then
   * @throws DynamoError, DeadlineError
   */
  async read(entity: string): Promise<RouteWatch | undefined> {
    const item = await this.#notes.read(guardOf(entity), WATCH)
    if (item === undefined) return undefined
    const kept = watchSchema.safeParse(parsed(item.watch?.S))
    if (kept.success) return kept.data
    this.#log.warn('what the guard has kept of a route can not be read: it begins anew', { entity })
    return undefined
  }

  /** @throws DynamoError, DeadlineError */
  async write(entity: string, watch: RouteWatch): Promise<void> {
    const kept = { ...watch, epoch: String(watch.epoch) }
    await this.#notes.put(guardOf(entity), WATCH, { watch: { S: JSON.stringify(kept) } })
  }
}

const parsed = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
