import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { StreamLag } from '../jobs/worst-lag.ts'
import { kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'

/** Metrics are of whole minutes, and come a minute or two after. */
const WINDOW = 3 * 60_000
const PERIOD = 60
/** So often it is worth asking, in milliseconds. */
const EVERY = 10_000

/**
 * Watches how late a function gets a stream's records, by Lambda's own metric.
 *
 * @param parts.now epoch milliseconds @default Date.now
 * @returns gives undefined where that can't be read: what it is asked for goes on without it, and the log says so once
 */
export const watchStream = (
  client: CloudWatchClient,
  functionName: string,
  {
    deadline,
    log,
    now = Date.now,
  }: { readonly deadline: Deadline; readonly log: Pick<Log, 'warn'>; readonly now?: () => number },
): (() => Promise<StreamLag | undefined>) => {
  let known: { readonly minute: number | undefined; readonly value: number; readonly at: number } | undefined
  let isReadable = true
  const read = async () => {
    // The present minute included.
    const end = new Date(now() + PERIOD * 1_000)
    const query = {
      ...{ namespace: 'AWS/Lambda', name: 'IteratorAge', statistic: 'Maximum' },
      dimensions: { FunctionName: functionName },
    }
    const range = { start: new Date(end.getTime() - WINDOW), end, period: PERIOD }
    const [[latest] = []] = await readMetrics(client, [query], range, deadline)
    return { minute: latest?.at.getTime(), value: latest?.value ?? 0, at: now() }
  }
  return async () => {
    if (!isReadable) return undefined
    if (known !== undefined && now() - known.at < EVERY) return { value: known.value, isNew: false }
    try {
      const before = known
      known = await read()
      // Of nothing there is nothing new to wait for.
      const isNew =
        known.minute === undefined || known.minute !== before?.minute || known.value !== before.value
      return { value: known.value, isNew }
    } catch (error) {
      if (kindOf(error) === 'transient') throw error
      isReadable = false
      log.warn('how late the stream is can’t be read: nothing is held back for it', { error })
      return undefined
    }
  }
}
