import { type Operation, told } from './history.ts'
import { linearise } from './linearise.ts'

/** What a history shows that no register can have done, with the least of it that shows it. */
export type Finding = {
  readonly key: string
  readonly what: string
  /** Operations, a line each; the last is the one that doesn't fit. */
  readonly evidence: readonly string[]
  /** All that is known of the key, in the order in which it began. */
  readonly history: readonly string[]
}

export type Checked = {
  readonly findings: readonly Finding[]
  readonly keys: number
  readonly longest: number
}

/** Operations of a finding that are shown, the last ones. */
const SHOWN = 24

/**
 * Whether a history of many keys is that of registers, one a key, whose every read and write took place at one instant between its
 * call and its answer; and whether each Idempotency-Key has made one thing only. It knows nothing of stores, owners or routes.
 */
export const check = (history: readonly Operation[]): Checked => {
  const keys = new Map<string, Operation[]>()
  for (const one of history) {
    if (one.key === undefined) continue
    const known = keys.get(one.key)
    if (known === undefined) keys.set(one.key, [one])
    else known.push(one)
  }
  const findings = [...keys].flatMap(([key, operations]) => {
    const verdict = linearise(operations)
    if (verdict === 'ordered') return []
    const least = verdict === 'not ordered' ? leastOf(operations) : operations
    const what =
      verdict === 'not ordered' ? 'no order of these gives these answers' : 'no order was found in time'
    return [{ key, what, evidence: least.map(told).slice(-SHOWN), history: inTime(operations) }]
  })
  return {
    findings: [...findings, ...madeTwice(history)],
    keys: keys.size,
    longest: Math.max(0, ...[...keys.values()].map(({ length }) => length)),
  }
}

/** The shortest beginning of a history that has no order: what is answered later counts as unanswered. */
const leastOf = (operations: readonly Operation[]): readonly Operation[] => {
  const answers = operations
    .flatMap(({ until }) => (until === undefined ? [] : [until]))
    .toSorted((a, b) => a - b)
  const upTo = (count: number): readonly Operation[] => {
    const end = answers[count - 1] ?? Number.NEGATIVE_INFINITY
    return operations
      .filter(({ from }) => from <= end)
      .map((one) => (one.until !== undefined && one.until <= end ? one : open(one)))
  }
  let [low, high] = [0, answers.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (linearise(upTo(middle)) === 'not ordered') high = middle
    else low = middle
  }
  // The one that doesn't fit comes last; what is still open tells nothing that could stand against it.
  return upTo(high).toSorted((one, other) => untilOf(one) - untilOf(other))
}

const inTime = (operations: readonly Operation[]): readonly string[] =>
  operations.toSorted((one, other) => one.from - other.from).map(told)

const open = ({ until: _, answer: __, ...call }: Operation): Operation => call
const untilOf = ({ until, from }: Operation): number => until ?? from

/** Creates under one Idempotency-Key that were answered with two keys. */
const madeTwice = (history: readonly Operation[]): readonly Finding[] => {
  const made = new Map<string, Operation[]>()
  for (const one of history) {
    if (one.asked.do !== 'create' || one.asked.once === undefined || one.answer?.is !== 'done') continue
    made.set(one.asked.once, [...(made.get(one.asked.once) ?? []), one])
  }
  return [...made].flatMap(([once, creates]) => {
    const keys = new Set(creates.map(({ key }) => key))
    if (keys.size <= 1) return []
    const evidence = creates.map((one) => `${one.key}  ${told(one)}`)
    const what = `Idempotency-Key ${once} has made two`
    return [{ key: [...keys].join(', '), what, evidence, history: evidence }]
  })
}
