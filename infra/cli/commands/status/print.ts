import { type Figure, told } from '../../../../functions/bridge/runtime/figure.ts'
import type { Advice, EntityStatus, JobFigure, Status } from '../../../../functions/bridge/status/status.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import { bold, coloured, type Io } from '../../conventions/io.ts'
import { printFacts, printLine, printTable } from '../../conventions/results.ts'

const HEAD = [
  'entity',
  'stage',
  "Aurora's",
  "DynamoDB's",
  'to Aurora',
  'to DynamoDB',
  'in the log',
  'parked',
  'conflicts',
  'triggers',
  'verified',
]

/** Where a stack stands, for a person: no more than fits a screen. @param of which stack */
export const print = (io: Io, status: Status, of: string): void => {
  printLine(io, `${bold(io, io.stdout, of)}, at ${status.at}`)
  printLine(io, '')
  if (status.entities.length === 0) printLine(io, 'no entity is defined')
  else
    printTable(
      io,
      HEAD,
      status.entities.map((entity) => rowOf(entity, Date.parse(status.at))),
    )
  printLine(io, '')
  printFacts(io, {
    undelivered: shown(status.undelivered, ({ batches, complete, oldest }) =>
      batches === 0
        ? 'none'
        : `${more(complete)}${counted(batches, 'batch', 'batches')}, the oldest of ${oldest}`,
    ),
    migrations: shown(status.migrations, ({ applied, pending, interrupted }) =>
      [
        `${applied} applied`,
        ...(pending.length > 0 ? [`${pending.length} pending`] : []),
        ...(interrupted.length > 0 ? [`${interrupted.length} interrupted`] : []),
      ].join(', '),
    ),
    streams: shown(status.streams, (streams) =>
      streams
        .map(
          ({ function: name, iteratorAge }) =>
            `${name} ${iteratorAge === null ? 'idle' : `${ms(iteratorAge)} behind`}`,
        )
        .join(', '),
    ),
    ...Object.fromEntries(
      status.tables.map(({ table, parked }) => [
        `parked of ${table}`,
        shown(parked, ({ keys, complete }) => `${more(complete)}${keys}`),
      ]),
    ),
    jobs: shown(status.jobs, (jobs) => (jobs.length === 0 ? 'none' : jobs.map(jobText).join('; '))),
  })
  printLine(io, '')
  const lines = [
    ...status.advice.map((one) => ({ of: '-', ...one })),
    ...status.entities.flatMap(({ entity, blockers, next }) =>
      (blockers.length === 0 ? [next] : blockers).map((one) => ({ of: entity, ...one })),
    ),
  ]
  for (const { of: name, ...one } of lines) printLine(io, adviceLine(io, name, one))
}

const rowOf = (of: EntityStatus, now: number): string[] => {
  const { parked } = of
  const owners = told(of.owners)
  const rows = (n: number | undefined): string =>
    n === undefined
      ? '?'
      : owners?.knownSince === null
        ? 'not known'
        : `${more(owners?.complete !== false)}${grouped(n)}`
  return [
    of.entity,
    shown(of.stage, ({ name, percentage }) => (percentage === undefined ? name : `${name} ${percentage} %`)),
    rows(owners?.aurora),
    rows(owners?.dynamo),
    ...[of.lag.toAurora, of.lag.toDynamo].map((lag) =>
      shown(lag, (one) => (one === null ? '-' : `p50 ${ms(one.p50)}, p99 ${ms(one.p99)}`)),
    ),
    shown(of.log, ({ rows: waiting, recorded, oldest }) =>
      waiting + recorded === 0 ? '-' : `${grouped(waiting + recorded)}, ${ms(oldest)} old`,
    ),
    parkedText([parked.toAurora, parked.toDynamo]),
    parkedText([parked.conflicts]),
    shown(of.triggers, ({ there, missing, changed, fault }) => {
      if (fault !== undefined) return 'unfit'
      const lacking = missing.length + changed.length
      if (lacking > 0) return `${lacking} of ${there + lacking} missing`
      return there === 0 ? '-' : `${there} there`
    }),
    shown(of.verification, (last) => {
      if (last === null) return 'never'
      const age = `${duration(Math.max(0, now - Date.parse(last.at)) / 1_000)} ago`
      return last.differences === 0 ? age : `${age}, ${last.differences} differ`
    }),
  ]
}

const parkedText = (all: readonly EntityStatus['parked']['toAurora'][]): string => {
  const known = all.map(told)
  const found = known.filter((one) => one !== undefined)
  if (found.length < known.length) return '?'
  const keys = found.reduce((sum, one) => sum + one.keys, 0)
  return keys === 0 ? '-' : `${more(found.every(({ complete }) => complete))}${grouped(keys)}`
}

const jobText = ({ job, state, step, items, segments, segmentsDone, updatedAt }: JobFigure): string =>
  `${job} ${state}, ${step}: ${grouped(items)} items, ${segmentsDone} of ${segments} segments, last seen at ${updatedAt}`

/** `chef    ! 3 changes are parked …: npx backsync …` */
const adviceLine = (io: Io, of: string, { kind, what, type }: Advice): string => {
  const colour = ({ mend: 'red', wait: 'yellow', step: 'green' } as const)[kind]
  const word = ({ mend: 'to mend', wait: 'to wait for', step: 'next' } as const)[kind]
  const command = type === null ? '' : `: ${type}`
  return `${of === '-' ? '' : `${of}, `}${coloured(io, io.stdout, word, colour)}: ${what}${command}`
}

const shown = <T>(of: Figure<T>, show: (value: T) => string): string =>
  'unknown' in of ? '?' : show(of.value)

const more = (complete: boolean): string => (complete ? '' : 'over ')

const counted = (n: number, one: string, many: string): string => `${grouped(n)} ${n === 1 ? one : many}`

const ms = (milliseconds: number): string =>
  milliseconds < 1_000
    ? `${Math.round(milliseconds)} ms`
    : milliseconds < 60_000
      ? `${(milliseconds / 1_000).toFixed(1)} s`
      : duration(milliseconds / 1_000)
