import { RateLimiter } from '../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { DynamoJobs } from '../../../functions/bridge/jobs/dynamo-jobs.ts'
import { FILL_WORKERS } from '../../../functions/bridge/jobs/fill-requests.ts'
import { Course, type Extent, leastTime } from '../../../functions/bridge/jobs/forecast.ts'
import type { Tally } from '../../../functions/bridge/jobs/jobs.ts'
import { Pace } from '../../../functions/bridge/jobs/pace.ts'
import type { ItemsRun } from '../../../functions/bridge/jobs/segments.ts'
import { busyError, withLease } from '../target/open-jobs.ts'
import { throttledNote } from '../target/throttled.ts'
import { whoami } from '../target/whoami.ts'
import type { Context } from './command.ts'
import { confirm } from './confirm.ts'
import { interrupted } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { bytes, duration, grouped } from './figures.ts'
import { executionAt, type FillingMachine, openMachine, runMachine } from './filling-machine.ts'
import { Progress, type Stage } from './progress.ts'
import { printFacts, printJson } from './results.ts'

/** What all commands take that go over a whole table. */
export type FillingOptions = {
  readonly maxRate?: number | undefined
  /** In milliseconds. */
  readonly maxLag?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
  readonly again?: boolean | undefined
  /** Where it is done. @default by this process */
  readonly on?: 'aws' | undefined
}

/** Segments that are worked on at once where nobody says how many. */
const AT_ONCE = 4

/** What a filling is run with, and whom it tells how far it is. */
export type FillingRun = Required<Pick<ItemsRun, 'by' | 'limiter' | 'pace' | 'concurrency'>> &
  Pick<ItemsRun, 'signal' | 'maxRate' | 'maxLag'> & {
    /** The job is taken, and goes on behind so many. */
    readonly onBegin: (before: Tally) => void
    /** @param stage where the filling has several @default the first one */
    readonly onProgress: (tally: Tally, stage?: Stage) => void
  }

type Facts = Readonly<Record<string, unknown>>
type Lines = Readonly<Record<string, string | undefined>>

/** Work over a whole table that can be interrupted: what it is about to do, what it does, and what is said of it. */
export type Filling<O extends { readonly done: boolean }> = {
  readonly jobs: DynamoJobs
  readonly job: string
  readonly todo: 'begin' | 'go on' | 'nothing'
  readonly extent: Extent
  readonly stage: Stage
  /** The plan, for scripts and for people. */
  readonly facts: Facts
  readonly lines: Lines
  /** What has to be confirmed; undefined: nothing of anybody's can be lost. */
  readonly question: string | undefined
  /** How far what is live beside it is behind, in milliseconds. */
  readonly lag?: (() => Promise<number | undefined>) | undefined
  run(run: FillingRun): Promise<O>
  /** What does the same on AWS, where there is something that does. */
  readonly machine?: FillingMachine<O> | undefined
  /** How far an interrupted one came. */
  interruptedAt(outcome: O): string
  ended(outcome: O): Ended | Promise<Ended>
}

type Ended = {
  readonly facts: Facts
  readonly lines: Lines
  /** What follows the lines. */
  readonly more?: (() => void) | undefined
  /** What to type next. */
  readonly next?: string | undefined
  /** Whether something is left to be looked at. */
  readonly left: boolean
}

/**
 * Runs a filling as planned: shows the plan or asks; takes the job, or says who has it and bounds that one anew; shows how far
 * it is; and tells what was done against what was to be expected.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, 5 while somebody else is at it, 130 when interrupted
 */
export const runFilling = async <O extends { readonly done: boolean }>(
  context: Context,
  options: FillingOptions,
  filling: Filling<O>,
): Promise<ExitCode> => {
  const { io, json, target, interrupt, dryRun } = context
  const { maxRate, maxLag, on } = options
  const { jobs, job, todo, extent, stage } = filling
  const { concurrency = on === 'aws' ? FILL_WORKERS : AT_ONCE } = options
  const machine = on === 'aws' ? openMachine(context, filling.machine) : undefined
  const least = leastTime(extent, { maxRate, concurrency })
  const expected = {
    items: extent.items,
    bytes: extent.bytes,
    exact: extent.exact,
    atLeastSeconds: least === undefined ? null : Math.ceil(least.seconds),
  }
  const planned = { ...filling.facts, ...(todo !== 'nothing' && { forecast: expected }) }
  if (dryRun || todo === 'nothing') {
    if (json) printJson(io, { ...planned, dryRun })
    else
      printFacts(io, {
        ...filling.lines,
        ...(todo !== 'nothing' && { forecast: forecastText(filling, least?.seconds) }),
      })
    return EXIT.done
  }
  const present = await jobs.holder(job)
  const execution = machine && (await executionAt(machine, present))
  const bounds = { ...(maxRate !== undefined && { maxRate }), ...(maxLag !== undefined && { maxLag }) }
  const isBound = Object.keys(bounds).length > 0
  const tuned = present !== undefined && isBound ? await jobs.tune(job, bounds) : undefined
  if (present !== undefined && execution === undefined) {
    if (tuned === undefined) throw busyError(job, present.record)
    if (json) printJson(io, { ...planned, todo: 'tuned', by: tuned.by, ...bounds, dryRun })
    else
      printFacts(io, {
        ...filling.lines,
        'to do': `nothing: ${tuned.by} is at it, from its next page on ${boundsText(options, stage)}`,
      })
    return EXIT.busy
  }
  const watched = execution?.runs === true ? execution.arn : undefined
  // What is on its way was confirmed when it was started.
  if (filling.question !== undefined && watched === undefined)
    await confirm(io, {
      what: filling.question,
      expected: target.name,
      yes: context.yes,
      signal: interrupt,
    })

  const limiter = new RateLimiter({ maxRate })
  const pace = new Pace({ limiter, job, jobs, lag: filling.lag })
  const course = new Course(extent.items)
  const shown = progressOf(context, stage, machine === undefined ? noteOf({ limiter, pace }) : undefined)
  const told = {
    onBegin: ({ items }: Tally): void => {
      course.begin(items)
      shown.begin(items)
    },
    onProgress: ({ items }: Tally, at = stage): void => {
      if (at.what === stage.what) course.note(items)
      shown.show(items, at)
    },
  }
  const run = { by: whoami(), signal: interrupt, limiter, pace, maxRate, maxLag, concurrency, ...told }
  const outcome = await withLease(jobs, job, () =>
    machine === undefined
      ? filling.run(run)
      : runMachine(
          context,
          { ...machine, ...told, jobs, job, execution: watched },
          { ...options, by: run.by },
        ),
  ).finally(shown.end)
  if (!outcome.done)
    throw interrupted(`interrupted: ${filling.interruptedAt(outcome)}`, `go on with: ${context.goOn}`)
  const { seconds, forecast } = course
  const { facts, lines, more, next, left } = await filling.ended(outcome)
  if (json)
    printJson(io, {
      ...planned,
      ...facts,
      seconds,
      forecast: { ...expected, seconds: forecast?.seconds ?? null },
      dryRun,
    })
  else {
    printFacts(io, {
      ...lines,
      took:
        forecast === undefined
          ? duration(seconds)
          : `${duration(seconds)} (forecast by its first pages: ${duration(forecast.seconds)})`,
      next,
    })
    more?.()
  }
  return left ? EXIT.differences : EXIT.done
}

/** How much there is, and how long it takes at least; for people. */
const forecastText = <O extends { readonly done: boolean }>(
  { extent, stage }: Filling<O>,
  seconds: number | undefined,
): string => {
  const { items, bytes: size, exact } = extent
  const amount = `${exact ? '' : 'about '}${grouped(items)} ${stage.what}, ${bytes(size)}`
  return seconds === undefined
    ? amount
    : `${amount}; reading them takes ${duration(seconds)}, applying them more`
}

/** How a filling is bound anew, in words. */
const boundsText = ({ maxRate, maxLag }: FillingOptions, { what }: Stage): string =>
  [
    ...(maxRate === undefined ? [] : [`with at most ${grouped(maxRate)} ${what}/s`]),
    ...(maxLag === undefined
      ? []
      : [`held back while what is live is more than ${duration(maxLag / 1_000)} behind`]),
  ].join(', ')

/** What holds a filling of this process back, in words. */
const noteOf = (of: { readonly limiter: RateLimiter; readonly pace: Pace }): (() => string | undefined) => {
  const throttled = throttledNote(of.limiter)
  return () => {
    const { heldFor } = of.pace
    if (heldFor === undefined) return throttled()
    return `held back to ${grouped(of.limiter.rate)}/s: what is live is ${duration(heldFor / 1_000)} behind`
  }
}

/** The progress of a filling, stage by stage, from when its job is taken. */
const progressOf = ({ io }: Context, first: Stage, note: (() => string | undefined) | undefined) => {
  let present = first.what
  let progress: Progress | undefined
  const open = ({ what, total }: Stage, before: number): void => {
    progress?.end()
    present = what
    progress = new Progress(io, what, { total, estimated: true, before, note })
  }
  return {
    begin: (before: number): void => open(first, before),
    show: (done: number, stage: Stage): void => {
      if (stage.what !== present) open(stage, 0)
      if (progress !== undefined) progress.advance(done - progress.done)
    },
    end: (): void => progress?.end(),
  }
}
