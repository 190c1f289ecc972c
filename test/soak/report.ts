import Table from 'cli-table3'
import type { Difference } from './compare/compare.ts'
import type { Progress, SoakResult } from './run.ts'

/** One line while it runs. */
export const progressLine = ({ seconds, writes, applied, parked, faults, lag }: Progress): string =>
  [
    `${Math.round(seconds)} s`.padStart(7),
    `${writes} writes`,
    `${applied} applied`,
    `${parked} parked`,
    `${faults} faults`,
    `lag p50 ${Math.round(lag)} ms`,
  ].join('   ')

/** Whether the run has found nothing wrong and has seen all that can go wrong. */
export const hasPassed = (result: SoakResult): boolean => reasonsOf(result).length === 0

/** Why a run has failed; empty when it hasn't. */
export const reasonsOf = (result: SoakResult): string[] => [
  ...(result.divergences.length > 0 ? [`${result.divergences.length} keys differ and are not parked`] : []),
  ...(result.unacknowledged.length > 0
    ? [`${result.unacknowledged.length} acknowledged writes are not in DynamoDB`]
    : []),
  ...(result.onlyByRetry.length > 0
    ? [`${result.onlyByRetry.length} parked keys came right only by a retry by hand`]
    : []),
  ...(isLong(result) ? missingOf(result) : []),
  ...result.problems,
]

/** In less time, in seconds, a fault may find nothing that it could hit: that is said, and no reason to fail. */
const LONG = 240

const isLong = ({ seconds }: SoakResult): boolean => seconds >= LONG

const missingOf = ({ missingFaults }: SoakResult): string[] =>
  missingFaults.map((name) => `never happened: ${name}`)

/** The figures of a run as tables. */
export const resultText = (result: SoakResult): string => {
  const table = (head: readonly [string, string], rows: Readonly<Record<string, number>>): string => {
    const drawn = new Table({
      head: [...head],
      style: { head: [], border: [] },
      colAligns: ['left', 'right'],
    })
    drawn.push(...Object.entries(rows).map(([name, count]) => [name, String(count)]))
    return drawn.toString()
  }
  const reasons = reasonsOf(result)
  return [
    table(['writes', 'count'], result.writesByKind),
    table(['fault', 'times'], result.faults),
    table(['parked in the end', 'keys'], result.parked),
    `${result.engine}, seed ${result.seed}: ${result.writes} writes, ${result.streamRecords} stream records in ` +
      `${Math.round(result.seconds)} s; quiet ${Math.round(result.quietAfterSeconds)} s after the last`,
    `${result.keys} keys compared: ${result.divergences.length} divergences, ${result.onlyByRetry.length} set right only by a retry by hand`,
    `${result.givenUp} batches given up on and filed`,
    ...(isLong(result) ? [] : missingOf(result)),
    ...(reasons.length === 0 ? ['passed'] : ['FAILED', ...reasons.map((reason) => `  - ${reason}`)]),
  ].join('\n')
}

/** A key's two sides and its history, for a person. */
export const differenceText = ({ entity, key, what, item, row, parked, history }: Difference): string => {
  const shorten = (value: unknown): string => {
    const text = JSON.stringify(value, bigints) ?? 'nothing'
    return text.length > 600 ? `${text.slice(0, 600)}…` : text
  }
  return [
    `${entity} ${key}: ${what.join(', ')}`,
    `  item    ${shorten(item)}`,
    `  row     ${shorten(row)}`,
    `  parked  ${shorten(parked)}`,
    `  stream  ${history.map(({ event, version }) => `${event} ${version ?? '?'}`).join(', ')}`,
  ].join('\n')
}

/** A result as one line of JSON. */
export const resultJson = (result: SoakResult): string => {
  const { divergences, onlyByRetry, ...figures } = result
  return JSON.stringify(
    {
      ...figures,
      divergences: divergences.length,
      onlyByRetry: onlyByRetry.length,
      passed: hasPassed(result),
    },
    bigints,
  )
}

/** For JSON.stringify: versions as text. */
export const bigints = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value
