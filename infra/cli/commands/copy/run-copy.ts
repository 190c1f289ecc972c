import { runCopy } from '../../../../functions/bridge/copy/copy.ts'
import {
  type CopyClients,
  type CopyPlan,
  CopyRefusedError,
  planCopy,
} from '../../../../functions/bridge/copy/copy-plan.ts'
import type { CopyReport } from '../../../../functions/bridge/copy/copy-report.ts'
import { type CopyRequest, readCopyEvent } from '../../../../functions/bridge/copy/copy-request.ts'
import { askFollowed, type FollowedReport } from '../../../../functions/bridge/copy/followed.ts'
import { openAccount } from '../../../../functions/bridge/copy/role-client.ts'
import { openDynamo } from '../../../../functions/bridge/drivers/dynamo/client.ts'
import { MissingTableError } from '../../../../functions/bridge/drivers/dynamo/describe.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { isAlive, type JobRecord } from '../../../../functions/bridge/jobs/jobs.ts'
import { addTallies } from '../../../../functions/bridge/jobs/segments.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../../functions/entities/index.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, interrupted, usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { grouped } from '../../conventions/figures.ts'
import { printJson } from '../../conventions/results.ts'
import { busyError, openJobs, withLease } from '../../target/open-jobs.ts'
import { isOfStack, resolveTable } from '../../target/resolve-table.ts'
import { tableOutput } from '../../target/settings.ts'
import { throttledNote } from '../../target/throttled.ts'
import { whoami } from '../../target/whoami.ts'
import { factsOf, printPlan } from './plan.ts'
import { progressOf } from './progress.ts'
import { printReport, verdictOf } from './report.ts'

export type CopyOptions = {
  readonly source: string
  readonly destination: string
  readonly cleanup: boolean
  /** The name of the followed table that may be emptied. */
  readonly empties?: string | undefined
  readonly migrate: boolean
  readonly sourceRole?: string | undefined
  readonly sourceRegion?: string | undefined
  readonly destinationRole?: string | undefined
  readonly destinationRegion?: string | undefined
  readonly maxRate?: number | undefined
  readonly segments?: number | undefined
  readonly concurrency?: number | undefined
  /** Begins anew, and forgets a copy that was interrupted. */
  readonly again: boolean
}

/** @throws CliError with exit code 4 when it is refused, 5 while somebody else copies, 130 when interrupted */
export const runCopyCommand = async (context: Context, options: CopyOptions): Promise<ExitCode> => {
  const { io, target, json, interrupt } = context
  const request = requestOf(context, options)
  const { sourceRoleArn, sourceRegion, destinationRoleArn, destinationRegion } = request
  const clients = {
    source: openAccount({ roleArn: sourceRoleArn, region: sourceRegion }),
    destination: openAccount({ roleArn: destinationRoleArn, region: destinationRegion }),
  }
  const bounds = { deadline: new Deadline(), signal: interrupt }
  const jobs = openJobs(target, openDynamo())
  const plan = await refusing(planCopy(request, clients, bounds))
  const earlier = await jobs.read(plan.job)
  const goesOn = !options.again && isUnfinished(earlier)
  const before = goesOn
    ? addTallies((await jobs.segmentsOf(plan.job, earlier.step)).map(({ tally }) => tally))
    : undefined
  const question = questionOf(context, plan, goesOn ? earlier : undefined)
  const facts = {
    ...(await factsOf(plan, clients)),
    goesOnAt: goesOn ? earlier.step : null,
    asks: question !== undefined,
  }
  if (context.dryRun) {
    if (json) printJson(io, { ...facts, dryRun: true })
    else printPlan(io, facts)
    return EXIT.done
  }
  if (earlier !== undefined && isAlive(earlier, Date.now())) throw busyError(plan.job, earlier)
  // What will be done is no result yet.
  if (!json) printPlan({ ...io, stdout: io.stderr }, { ...facts, asks: false })
  if (question !== undefined)
    await confirm(io, {
      what: question,
      expected: plan.destination.name,
      yes: isConfirmed(context, plan, options, earlier),
      signal: interrupt,
    })

  const begun = performance.now()
  const limiter = new RateLimiter({ maxRate: options.maxRate })
  const progress = progressOf(
    io,
    before && { step: earlier?.step, items: before.items },
    throttledNote(limiter),
  )
  const report = await refusing(
    withLease(jobs, plan.job, () =>
      runCopy(plan, {
        clients,
        jobs,
        ...bounds,
        limiter,
        concurrency: options.concurrency,
        by: whoami(),
        restart: options.again,
        onProgress: progress.show,
      }),
    ),
  ).finally(progress.end)
  const seconds = (performance.now() - begun) / 1000
  if (!report.done) throw interrupted(`interrupted: ${doneSoFar(report)}`, `go on with: ${context.goOn}`)
  const aurora = await askAurora(context, plan, clients)
  const verdict = verdictOf(report, plan, aurora)
  if (json)
    printJson(io, { ...facts, ...report, ...(aurora.length > 0 && { aurora }), seconds, dryRun: false })
  else printReport(io, plan, report, { seconds, verdict, aurora })
  return verdict.exit
}

const requestOf = ({ target, io }: Context, options: CopyOptions): CopyRequest => {
  const { sourceRole, destinationRole } = options
  const byRole = sourceRole !== undefined || destinationRole !== undefined
  if (byRole && target.name === 'local' && io.env.AWS_ENDPOINT_URL_STS === undefined)
    throw usageError(
      'the local stack knows no roles',
      'restart it with this version, or name a deployed one with --stack',
    )
  return readCopyEvent({
    sourceTableName: resolveTable(target, options.source),
    destinationTableName: resolveTable(target, options.destination),
    cleanupDestinationTable: options.cleanup,
    migrate: options.migrate,
    sourceRoleArn: sourceRole,
    sourceRegion: options.sourceRegion,
    destinationRoleArn: destinationRole,
    destinationRegion: options.destinationRegion,
    segments: options.segments,
    maxRate: options.maxRate,
  })
}

/** A copy that must not begin ends with 4: nothing was written. */
const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof CopyRefusedError || cause instanceof MissingTableError)) throw cause
    const { code, message } = cause
    throw new CliError(
      { code, message: `refused: ${message}`, hint: 'nothing was changed', exit: EXIT.refused },
      { cause },
    )
  }
}

const isUnfinished = (record: JobRecord | undefined): record is JobRecord =>
  record !== undefined && record.state !== 'done'

/** What has to be confirmed; undefined when nothing of somebody's can be lost, or that was confirmed before. */
const questionOf = (
  { target }: Context,
  { request, destination, destinationInUse }: CopyPlan,
  earlier: JobRecord | undefined,
): string | undefined => {
  const { name } = destination
  const cleans = request.cleanupDestinationTable && (earlier === undefined || earlier.step === 'cleanup')
  const live = [
    isOfStack(target, name) ? ', a table of the stack' : '',
    destination.followed ? ', which a stream follows' : '',
  ].join('')
  if (cleans && (destinationInUse || live !== ''))
    return `Deleting all items of ${name}${live} (about ${grouped(destination.items)}), on ${target.description}`
  if (!cleans && destinationInUse && earlier === undefined)
    return `${name}${live} holds items: those with the same keys are replaced, on ${target.description}`
  return undefined
}

/**
 * Whether a script has confirmed it. On a deployed stack `--yes` is not enough to empty a table that a stream follows.
 *
 * @throws CliError when only that was given, or another table was named
 */
const isConfirmed = (
  { target, yes }: Context,
  { destination, steps }: CopyPlan,
  { empties }: CopyOptions,
  earlier: JobRecord | undefined,
): boolean => {
  const { name } = destination
  if (empties !== undefined && resolveTable(target, empties) !== name)
    throw usageError(
      `--empties names ${empties}, and the destination is ${name}`,
      'name the destination, or leave it out',
    )
  const cleans = steps.includes('cleanup') && (!isUnfinished(earlier) || earlier.step === 'cleanup')
  if (target.name === 'local' || !destination.followed || !cleans) return yes || empties !== undefined
  if (yes && empties === undefined)
    throw new CliError({
      code: 'cli.not-confirmed',
      message: `not confirmed: a stream follows ${name}, and --yes does not empty it`,
      hint: `nothing was changed; name it: --empties ${name}`,
      exit: EXIT.refused,
    })
  return empties !== undefined
}

/** Asks Aurora for what is in the destination now, where that is an entity's table of this stack. */
const askAurora = async (
  context: Context,
  { request, destination }: CopyPlan,
  clients: CopyClients,
): Promise<readonly FollowedReport[]> => {
  const { outputs } = context.target
  const own = entities.filter(({ item }) => outputs[tableOutput(item.table)] === destination.name)
  const isElsewhere = request.destinationRoleArn !== undefined || request.destinationRegion !== undefined
  if (!destination.followed || isElsewhere || own.length === 0) return []
  const { openWriteBack } = await import('../../target/open-write-back.ts')
  const { sink, parking } = openWriteBack(context)
  const bounds = { deadline: new Deadline(), signal: context.interrupt }
  const reports: FollowedReport[] = []
  for (const entity of own) {
    const parts = { client: clients.destination, sink, parking, ...bounds }
    const report = await askFollowed(entity, destination.name, parts)
    if (report !== undefined) reports.push(report)
  }
  return reports
}

const doneSoFar = ({ cleaned, copied }: CopyReport): string =>
  [
    cleaned === undefined ? undefined : `${grouped(cleaned)} items deleted`,
    copied === undefined ? undefined : `${grouped(copied)} items copied`,
  ]
    .filter((part) => part !== undefined)
    .join(', ')
