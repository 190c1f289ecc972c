import { messageOf } from '../../errors/thrown.ts'
import type { Outcome } from '../lambda/environment.ts'
import type { Log } from '../lambda/log-file.ts'

/** What invokes a function again and again. */
export type ScheduleSettings = {
  readonly name: string
  readonly arn: string
  /** Milliseconds between two times. */
  readonly every: number
}

/** A schedule that runs until it is stopped. */
export type RunningSchedule = { stop(): void }

/**
 * Invokes a function at each interval from now on, the first time when one has passed. Where the last
 * invocation has not ended by then, the next one begins when it has; one that fails is said, and the next comes all the same.
 *
 * @param now milliseconds since 1970. @default Date.now
 */
export const startSchedule = (
  { name, arn, every }: ScheduleSettings,
  invoke: (event: unknown) => Promise<Outcome>,
  log: Log,
  now: () => number = Date.now,
): RunningSchedule => {
  let running = false
  let isDue = false
  let stopped = false
  const run = async (): Promise<void> => {
    isDue = running
    if (running) return
    running = true
    try {
      const outcome = await invoke(eventOf(arn, now()))
      if (!outcome.ok) log(`${name}: failed: ${outcome.error.errorType}: ${outcome.error.errorMessage}`)
    } catch (error) {
      log(`${name}: not run: ${messageOf(error)}`)
    } finally {
      running = false
      if (isDue && !stopped) void run()
    }
  }
  const timer = setInterval(() => void run(), every).unref()
  return {
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html */
const eventOf = (arn: string, now: number) => {
  const [, , , region, account] = arn.split(':')
  return {
    version: '0',
    id: crypto.randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account,
    time: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [arn],
    detail: {},
  }
}
