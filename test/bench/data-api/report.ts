import { median, percentile, ratio, type Times } from './measure.ts'
import { names } from './ways.ts'
import type { Workload } from './workloads.ts'

/** One line of the benchmark's output. Rates are repetitions per second, by the median repetition. */
export type Line = {
  readonly name: string
  readonly value: number
  readonly unit: 'statements/s' | 'sets/s'
  /** the rate that it is compared with */
  readonly baseline: number
  readonly comparedWith: string
  /**
   * the rate with an endpoint that takes no time: the client before a constant answer, and mysql2's time on top;
   * null where there is no endpoint, or where mysql2's own time is no lower bound
   */
  readonly limit: number | null
  /** value / baseline: the median of the rounds' own ratios */
  readonly ratio: number
  /** the ratio that is wanted; null: none is set */
  readonly goal: number | null
  readonly p50Ms: number
  readonly p99Ms: number
  /** where a repetition's time goes */
  readonly limitedBy: string
}

const DIALECT_GOAL = 0.95

const rounded = (value: number): number => Number(value.toPrecision(4))
const perSecond = (ms: number): number => rounded(1000 / ms)
const percent = (share: number): string => `${Math.round(share * 100)} %`

type Compared = {
  readonly name: string
  readonly own: Times
  readonly with: string
  readonly other: Times
  readonly goal?: number | undefined
  /** milliseconds */
  readonly least?: number
  readonly limitedBy: string
}

const toLine = (workload: Workload, compared: Compared): Line => {
  const { name, own, other, goal, least, limitedBy } = compared
  return {
    name: `${workload.name}: ${name}`,
    value: perSecond(median(own.all)),
    unit: workload.rows > 1 ? 'sets/s' : 'statements/s',
    baseline: perSecond(median(other.all)),
    comparedWith: compared.with,
    limit: least === undefined ? null : perSecond(least),
    ratio: rounded(ratio(own, other)),
    goal: goal === undefined ? null : rounded(goal),
    p50Ms: rounded(percentile(own.all, 0.5)),
    p99Ms: rounded(percentile(own.all, 0.99)),
    limitedBy,
  }
}

/** A way through the endpoint: what its client and mysql2 take for the same work, and the rest, the endpoint's. */
const throughEndpoint = (
  name: string,
  own: Times,
  client: Times,
  direct: Times,
  goal: number | undefined,
): Compared => {
  const all = median(own.all)
  const alone = median(client.all)
  const database = median(direct.all)
  const rest = all - alone - database
  const compared = { name, own, with: names.direct, other: direct, goal }
  if (rest < 0)
    return { ...compared, limitedBy: 'MySQL: faster here than mysql2 is with the same statements' }
  const limitedBy = `the client and HTTP ${percent(alone / all)}, MySQL and its driver ${percent(database / all)}, endpoint ${percent(rest / all)}`
  return { ...compared, least: alone + database, limitedBy }
}

/**
 * The lines of one workload.
 *
 * @throws RangeError when a way was not measured, but for the dialect
 */
export const linesOf = (workload: Workload, times: ReadonlyMap<string, Times>): Line[] => {
  const of = (name: string): Times => {
    const found = times.get(name)
    if (!found) throw new RangeError(`${workload.name}: ${name} was not measured`)
    return found
  }
  const sdk = of(names.sdk)
  const direct = of(names.direct)
  const alone = (name: string): Compared => ({
    name,
    own: of(name),
    with: names.direct,
    other: direct,
    limitedBy: 'the client and HTTP alone: no endpoint, no database',
  })
  const dialect = times.get(names.dialect)
  const compared: Compared[] = [
    throughEndpoint(names.sdk, sdk, of(names.sdkConstant), direct, workload.goal),
    throughEndpoint(names.http, of(names.http), of(names.httpConstant), direct, workload.goal),
    alone(names.sdkConstant),
    alone(names.httpConstant),
    { name: names.direct, own: direct, with: names.direct, other: direct, limitedBy: 'MySQL and its driver' },
  ]
  if (dialect) {
    const added = percent(1 - ratio(dialect, sdk))
    const limitedBy = `the bare SDK, see its line; the dialect itself ${added}`
    compared.unshift({
      name: names.dialect,
      own: dialect,
      with: names.sdk,
      other: sdk,
      goal: DIALECT_GOAL,
      limitedBy,
    })
  }
  return compared.map((one) => toLine(workload, one))
}
