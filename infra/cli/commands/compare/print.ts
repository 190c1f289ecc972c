import {
  type AnswerComparison,
  answerVersion,
  shownValue,
} from '../../../../functions/bridge/compare/compare-answers.ts'
import type { Asked, Round } from '../../../../functions/bridge/compare/compare-sides.ts'
import type { Repeated } from '../../../../functions/bridge/compare/repeat-compare.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { toExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { DecimalText, isList, isMap, type Value } from '../../../../functions/bridge/model/values.ts'
import { bytes } from '../../conventions/figures.ts'
import { bold, coloured, type Io } from '../../conventions/io.ts'
import { printLine, printTable } from '../../conventions/results.ts'
import type { Compared } from './compared.ts'

/** Differences of one request that a person reads; `--json` has all. */
const MOST = 20

/** What came of a request, for a person. */
export const print = (io: Io, { wanted: { title, of }, owner, round, repeated }: Compared): void => {
  const about =
    of.key === undefined ? `${of.entity.name} list` : `${of.entity.name} ${of.key}, owner ${owner}`
  printLine(io, `${bold(io, io.stdout, title)}  (${about})`)
  printTable(
    io,
    ['side', 'status', 'time', 'version', 'size'],
    round.asked.map((one) => rowOf(of.entity, one)),
  )
  for (const comparison of round.comparisons) printComparison(io, comparison)
  if (round.verdict === 'failed')
    printLine(io, `result  ${coloured(io, io.stdout, 'failed', 'red')}: not every side has answered`)
  if (repeated !== undefined) printRepeated(io, repeated)
}

const rowOf = (entity: Entity, asked: Asked): string[] => {
  if (asked.is === 'absent') return [asked.side, 'no such route', '-', '-', '-']
  if (asked.is === 'failed') return [asked.side, asked.why, '-', '-', '-']
  const { status, milliseconds, bytes: size } = asked.answer
  return [
    asked.side,
    String(status),
    `${Math.round(milliseconds)} ms`,
    answerVersion(entity, asked.answer) ?? '-',
    bytes(size),
  ]
}

const printComparison = (
  io: Io,
  { between, verdict, behind, differences, beyond }: AnswerComparison,
): void => {
  const [left, right] = between
  const word = behind === undefined ? verdict : `${behind} is behind: ask again after the lag`
  const more = beyond === 0 ? '' : `; ${beyond} entries are on one page only`
  const colour = verdict === 'equal' ? 'green' : verdict === 'behind' ? 'yellow' : 'red'
  printLine(io, `result  ${left} and ${right}: ${coloured(io, io.stdout, word, colour)}${more}`)
  for (const { path, is, left: one, right: other } of differences.slice(0, MOST)) {
    const type = is === 'type' ? ' (another type)' : ''
    printLine(io, `  ${path === '' ? '(all)' : path}${type}`)
    printLine(io, coloured(io, io.stdout, `  - ${left.padEnd(6)}  ${shownValue(one)}`, 'red'))
    printLine(io, coloured(io, io.stdout, `  + ${right.padEnd(6)}  ${shownValue(other)}`, 'green'))
  }
  if (differences.length > MOST) printLine(io, `  and ${differences.length - MOST} more`)
}

const printRepeated = (io: Io, { rounds, latencies, verdicts }: Repeated): void => {
  printTable(
    io,
    ['side', 'requests', 'failed', 'p50', 'p99', 'max'],
    latencies.map(({ side, requests, failed, p50, p99, max }) => [
      side,
      String(requests),
      String(failed),
      ...[p50, p99, max].map((time) => `${time.toFixed(1)} ms`),
    ]),
  )
  const counted = Object.entries(verdicts).filter(([, n]) => n > 0)
  printLine(io, `rounds  ${rounds}: ${counted.map(([verdict, n]) => `${n} ${verdict}`).join(', ')}`)
}

/** What came of a request, as a script reads it. */
export const jsonOf = ({ wanted: { title, method, of }, owner, round, repeated }: Compared) => ({
  ...{ title, method, path: of.paths.facade, entity: of.entity.name },
  ...(of.key !== undefined && { key: of.key, owner }),
  verdict: round.verdict,
  sides: round.asked.map((one) => sideOf(of.entity, one)),
  comparisons: comparisonsOf(round),
  ...(repeated !== undefined && {
    repeated: { rounds: repeated.rounds, verdicts: repeated.verdicts, latencies: repeated.latencies },
  }),
})

const sideOf = (entity: Entity, asked: Asked) => {
  const { side, url, is } = asked
  if (is === 'failed') return { side, url, is, code: asked.code, why: asked.why }
  if (is === 'absent') return { side, url, is }
  const { status, milliseconds, bytes: size, body } = asked.answer
  const version = answerVersion(entity, asked.answer)
  return {
    ...{ side, url, is, status, milliseconds, bytes: size },
    ...(version !== undefined && { version }),
    ...(body !== undefined && { body: plain(body) }),
  }
}

/** A number that JavaScript would round is a text. */
const plain = (value: Value): unknown => {
  if (value instanceof DecimalText) {
    const n = Number(value.canonical)
    return String(n) === value.canonical ? n : value.canonical
  }
  if (isList(value)) return value.map(plain)
  if (!isMap(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

const comparisonsOf = ({ comparisons }: Round) =>
  comparisons.map(({ differences, ...comparison }) => ({
    ...comparison,
    differences: differences.map(({ path, is, left, right }) => ({
      ...{ path, is },
      ...(left !== undefined && { left: toExactJson(left) }),
      ...(right !== undefined && { right: toExactJson(right) }),
    })),
  }))
