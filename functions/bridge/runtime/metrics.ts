/** What is counted of changes, each per entity and invocation. A closed list: an alarm on a misspelt name never fires. */
export type CountName =
  | 'Applied'
  /** Did nothing, as is proved: a repeat, or late. */
  | 'SkippedAsOlder'
  /** Of those, what its source has overtaken. */
  | 'Late'
  /** Neither: its source's current state, which was given a version above the store's so that it gets through. */
  | 'Lifted'
  /** Parked although it is its source's current state: below the store's version, or at it with other content. */
  | 'Behind'
  | 'Conflicts'
  /** Changes of keys that were written before and of which the store had nothing: applied or, of deletes, skipped. */
  | 'Filled'
  | 'Parked'
  | 'Waiting'
  | 'Overdue'
  | 'Unparked'
  | 'Superseded'
  | 'Retried'
  | 'Ignored'
  /** Of an entity whose route is complete: they were settled, and carried nowhere. */
  | 'AfterComplete'
  | 'UnknownAttributes'
  | 'Collisions'
  /** Changes for which a function of the team's own was called; of these, those that it refused, or whose end isn't known. */
  | 'Called'
  | 'CallsRefused'
  | 'CallsUnclear'
  /** Requests of clients at the legacy API, whatever came of them. */
  | 'Reads'
  | 'Writes'
  /** Of the facade: keys that stay where they are although their route says otherwise, since they can't be moved. */
  | 'MovesRefused'
  /** Where a route stands could not be read, so that the facade, the way back or the relay goes on from what was known. */
  | 'RouteUnreadable'
  /** Of the facade: answers that say that it, or what it needs, has failed: with 500 and above. */
  | 'Faults'
  /** Of the facade: requests that a side has answered, or was to answer; of these, answers with 500 and above. */
  | 'AnswersAurora'
  | 'AnswersDynamo'
  | 'FaultsAurora'
  | 'FaultsDynamo'
  /** Of the facade: writes that a side has done, and said so. */
  | 'WrittenAurora'
  | 'WrittenDynamo'
  /** Of the guard: routes that it has stepped back. */
  | 'StepsBack'

/**
 * What is measured in milliseconds. `Lag`: from a write to its visibility in the other store. Of the facade, how long a read of one
 * key took that a side has answered: `TookAurora`, `TookDynamo`.
 */
export type DurationName = 'Lag' | 'TookAurora' | 'TookDynamo'

/**
 * What is so many now, at each time that somebody looks. `Undelivered`: batches that an event source gave up on. `Undecided`:
 * keys over which the two sides are in conflict, until somebody decides. `LogRows`: writes of Aurora's that have not been carried
 * over yet; `LogAge`: for how long the first of them has not, in milliseconds. `Unseen`: mirrored entities of which triggers are
 * missing or changed, so that plain SQL on their tables is not seen. `Unfollowed`: routes whose keys have not all followed their last
 * move, and nobody has them do so. `SteppedBack`: entities that the relay leaves alone, since one of their stores was restored.
 * `Unjudged`: routes of which the guard can't say how they are; `WorseHeld`: routes that it has found worse, and that somebody holds.
 */
export type GaugeName =
  | 'Undelivered'
  | 'Undecided'
  | 'LogRows'
  | 'LogAge'
  | 'Unseen'
  | 'Unfollowed'
  | 'SteppedBack'
  | 'Unjudged'
  | 'WorseHeld'

/** Figures about changes, by entity. They carry no key and no customer's value. */
export interface Metrics {
  /** Adds to a count; zero adds nothing. */
  count(name: CountName, entity: string, n: number): void
  /** Notes one duration; may be called for each change. */
  milliseconds(name: DurationName, entity: string, value: number): void
  /** Publishes what was noted since the last time; at the end of each invocation, also of one that fails. */
  flush(): void
}

/** CloudWatch's namespace of all of it. */
export const METRICS_NAMESPACE = 'Backsync'

/** The service that the stream function's metrics name: its alarms look for it. */
export const BACK_SYNC = 'back-sync'

/** As BACK_SYNC, of the legacy API: how often clients read and write there. */
export const LEGACY_API = 'legacy-api'

/** As BACK_SYNC, of the function that keeps tables by others. */
export const KEEP_TABLES = 'keep-tables'

/** As BACK_SYNC, of the function that carries over to DynamoDB what is written in Aurora. */
export const RELAY = 'relay'

/** As BACK_SYNC, of the facade. */
export const FACADE = 'facade'

/** As BACK_SYNC, of the function that fills one store with what the other one has. */
export const BACKFILL = 'backfill'

/** As BACK_SYNC, of the function that has keys follow their routes. */
export const SWEEP_KEYS = 'sweep'

/** As BACK_SYNC, of the function that fills the tables that are kept by others. */
export const FILL_TABLES = 'fill-tables'

/** The service of the function that looks what waits for an operator. */
export const WATCH = 'watch'

/** As WATCH, of the function that steps routes back which are worse. */
export const GUARD = 'guard'

/** What a gauge is about that is of the whole stack, and of no entity. */
export const WHOLE_STACK = 'stack'

/** Values that one metric may have in one line. @see Embedded metric format specification, "Target members" */
export const VALUES_LIMIT = 100

export type LambdaMetricsOptions = {
  /** Takes one line, its end included. @default standard output */
  readonly write?: (line: string) => void
  /** Epoch milliseconds. @default the system's clock */
  readonly now?: () => number
  /** From 0 up to, not including, 1. @default Math.random */
  readonly random?: () => number
  /**
   * The level that each line claims. Lambda takes a JSON line without one for INFO and drops it where the function's
   * log level is higher, which would silence the alarms: so it is the level that is just let through.
   * @default AWS_LAMBDA_LOG_LEVEL, which Lambda sets
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
   */
  readonly level?: string
}

/**
 * Metrics in CloudWatch's embedded metric format: one line of JSON per entity and flush, dimensions `service` and
 * `entity`. Lambda's log pipeline makes metrics of them, so publishing takes no call and no permission.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class LambdaMetrics implements Metrics {
  readonly #service: string
  readonly #options: Required<LambdaMetricsOptions>
  readonly #entities = new Map<string, { counts: Map<string, number>; samples: Map<string, Sample> }>()

  /** @param service the dimension's value, such as BACK_SYNC */
  constructor(service: string, options: LambdaMetricsOptions = {}) {
    this.#service = service
    this.#options = {
      // Past `console`, which Lambda wraps into a record of its own.
      write: (line) => void process.stdout.write(line),
      now: Date.now,
      random: Math.random,
      level: process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO',
      ...options,
    }
  }

  count(name: CountName, entity: string, n: number): void {
    if (!(n > 0)) return
    const { counts } = this.#of(entity)
    counts.set(name, (counts.get(name) ?? 0) + n)
  }

  /** Notes how many there are now; none is a figure too. */
  gauge(name: GaugeName, entity: string, n: number): void {
    this.#of(entity).counts.set(name, n)
  }

  /** Clocks differ between machines, so a duration can come out negative: it counts as none. */
  milliseconds(name: DurationName, entity: string, value: number): void {
    if (!Number.isFinite(value)) return
    const { samples } = this.#of(entity)
    const sample = samples.get(name) ?? new Sample(this.#options.random)
    samples.set(name, sample)
    sample.add(Math.max(0, value))
  }

  flush(): void {
    const now = this.#options.now()
    for (const [entity, { counts, samples }] of this.#entities) {
      const line = {
        level: this.#options.level,
        timestamp: new Date(now).toISOString(),
        _aws: {
          Timestamp: now,
          CloudWatchMetrics: [
            {
              Namespace: METRICS_NAMESPACE,
              Dimensions: [['service', 'entity']],
              Metrics: [
                ...Array.from(counts.keys(), (Name) => ({ Name, Unit: 'Count' })),
                ...Array.from(samples.keys(), (Name) => ({ Name, Unit: 'Milliseconds' })),
              ],
            },
            ...ofService(counts),
          ],
        },
        service: this.#service,
        entity,
        ...Object.fromEntries(counts),
        ...Object.fromEntries(Array.from(samples, ([name, sample]) => [name, sample.values()])),
      }
      this.#options.write(`${JSON.stringify(line)}\n`)
    }
    this.#entities.clear()
  }

  #of(entity: string) {
    const known = this.#entities.get(entity)
    if (known) return known
    const fresh = { counts: new Map<string, number>(), samples: new Map<string, Sample>() }
    this.#entities.set(entity, fresh)
    return fresh
  }
}

/** Counts that are published for all entities together, too: one alarm watches them. */
const WATCHED_TOGETHER: readonly CountName[] = [
  'Overdue',
  'MovesRefused',
  'RouteUnreadable',
  'Faults',
  'StepsBack',
]

const ofService = (counts: ReadonlyMap<string, number>) => {
  const Metrics = WATCHED_TOGETHER.filter((name) => counts.has(name)).map((Name) => ({ Name, Unit: 'Count' }))
  return Metrics.length === 0 ? [] : [{ Namespace: METRICS_NAMESPACE, Dimensions: [['service']], Metrics }]
}

/** The largest value, and of the others as many as a line may have: each with the same chance (reservoir sampling). */
class Sample {
  readonly #random: () => number
  readonly #others: number[] = []
  #largest: number | undefined
  #seen = 0

  constructor(random: () => number) {
    this.#random = random
  }

  add(value: number): void {
    if (this.#largest === undefined) {
      this.#largest = value
      return
    }
    const other = Math.min(value, this.#largest)
    this.#largest = Math.max(value, this.#largest)
    this.#seen++
    if (this.#others.length < VALUES_LIMIT - 1) this.#others.push(other)
    else {
      const at = Math.floor(this.#random() * this.#seen)
      if (at < this.#others.length) this.#others[at] = other
    }
  }

  /** One value stands alone, several in a list: both are what the format takes. */
  values(): number | number[] {
    const all = this.#largest === undefined ? this.#others : [...this.#others, this.#largest]
    return all.length === 1 && all[0] !== undefined ? all[0] : all
  }
}
