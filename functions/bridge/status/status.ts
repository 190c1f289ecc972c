import * as z from 'zod'

/*
 * What a stack's status is, as JSON: what the command prints with --json, and what anybody else who shows it gets. Members are only
 * ever added under one number of `schema`; one that goes, or means something else, raises it.
 */

const count = z.int().min(0)
/** ISO 8601, UTC. */
const time = z.iso.datetime({ precision: 3 })
const milliseconds = z.number().min(0)

/** What was asked of one source; why not, where it gave no answer: the others are told all the same. */
const figureOf = <S extends z.ZodType>(value: S) =>
  z.union([z.strictObject({ value }), z.strictObject({ unknown: z.string() })])

/** Where a route stands. `legacy`: what Aurora accepts goes nowhere; `mirrored`: it is carried over. Others are a route's own. */
const stage = z.strictObject({
  name: z.string(),
  /** Share of the keys that it has reached, 0 to 100. */
  percentage: z.number().min(0).max(100).optional(),
  /** Of one that is complete: whether each key has been found to be DynamoDB's since. Then nothing is carried any more. */
  settled: z.boolean().optional(),
})

const owners = z.strictObject({
  /** Since when it is known of each key whose it is; null: it is not. */
  knownSince: time.nullable(),
  /** Rows of Aurora's by their owner, of those that were counted. */
  aurora: count,
  dynamo: count,
  /** False where there are more rows than were counted. */
  complete: z.boolean(),
})

/** How late what has arrived was, from the write to its visibility: of the last minutes, where anything did. */
const lag = z.strictObject({ p50: milliseconds, p99: milliseconds, minutes: count })

const parked = z.strictObject({
  keys: count,
  /** False where more may be parked than was looked at. */
  complete: z.boolean(),
  /** Of these, those that wait for something and are tried by themselves. */
  waiting: count,
  oldest: time.optional(),
  codes: z.array(z.strictObject({ code: z.string(), keys: count })),
})

/** Rows of the log that wait for the relay, and writes of plain SQL that wait to be listed. */
const log = z.strictObject({ rows: count, recorded: count, oldest: milliseconds })

const triggers = z.strictObject({
  there: count,
  /** Names of those that aren't, or do something else, or that nothing asks for. */
  missing: z.array(z.string()),
  changed: z.array(z.string()),
  needless: z.array(z.string()),
  /** Why it can't be told which there ought to be. */
  fault: z.string().optional(),
})

const verification = z.strictObject({
  at: time,
  /** Whether it came to its end. */
  complete: z.boolean(),
  rows: count,
  differences: count,
})

/** What holds something up, or is to be done. */
const advice = z.strictObject({
  /** Such as `parked`: it stays, whatever the words become. */
  code: z.string(),
  /** `mend`: something is wrong until somebody acts. `wait`: it should pass. `step`: the next one, when all else is well. */
  kind: z.enum(['mend', 'wait', 'step']),
  what: z.string(),
  /** What to type; null where there is nothing to type. */
  type: z.string().nullable(),
})

const entity = z.strictObject({
  entity: z.string(),
  /** Whether its definition says so. */
  mirrored: z.boolean(),
  stage: figureOf(stage),
  owners: figureOf(owners),
  /** From DynamoDB to Aurora, and the other way; null where nothing was measured. */
  lag: z.strictObject({ toAurora: figureOf(lag.nullable()), toDynamo: figureOf(lag.nullable()) }),
  /** What came from DynamoDB, from Aurora, and what the two disagree about. */
  parked: z.strictObject({
    toAurora: figureOf(parked),
    toDynamo: figureOf(parked),
    conflicts: figureOf(parked),
  }),
  log: figureOf(log),
  triggers: figureOf(triggers),
  /** Null: never. */
  verification: figureOf(verification.nullable()),
  /** What keeps it from going further, the most urgent first. */
  blockers: z.array(advice),
  next: advice,
})

const job = z.strictObject({
  job: z.string(),
  kind: z.string(),
  /** `running`: somebody works on it. `stopped`: nobody does, and it goes on where it is. */
  state: z.enum(['running', 'stopped', 'failed']),
  step: z.string(),
  items: count,
  segments: count,
  segmentsDone: count,
  maxRate: z.number().optional(),
  by: z.string(),
  startedAt: time,
  updatedAt: time,
  message: z.string().optional(),
})

export const statusSchema = z.strictObject({
  schema: z.literal(1),
  at: time,
  entities: z.array(entity),
  /** Tables that are kept by others. */
  tables: z.array(z.strictObject({ table: z.string(), parked: figureOf(parked) })),
  undelivered: figureOf(z.strictObject({ batches: count, complete: z.boolean(), oldest: time.optional() })),
  migrations: figureOf(
    z.strictObject({ applied: count, pending: z.array(z.string()), interrupted: z.array(z.string()) }),
  ),
  /** How late the functions that follow streams get their records: the largest of the last minutes; null where none came. */
  streams: figureOf(
    z.array(z.strictObject({ function: z.string(), iteratorAge: milliseconds.nullable(), minutes: count })),
  ),
  /** Those that are not done. */
  jobs: figureOf(z.array(job)),
  /** What is about the whole of it. */
  advice: z.array(advice),
})

export type Status = z.infer<typeof statusSchema>
export type EntityStatus = Status['entities'][number]
export type Advice = z.infer<typeof advice>
export type StageFigure = z.infer<typeof stage>
export type LagFigure = z.infer<typeof lag>
export type TriggersFigure = z.infer<typeof triggers>
export type VerificationFigure = z.infer<typeof verification>
export type JobFigure = z.infer<typeof job>
