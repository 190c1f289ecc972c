import { hash } from 'node:crypto'
import { ChangeLog } from '../aurora/change-log.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import { type OpenedStep, runJob, runSteps } from '../jobs/run-job.ts'
import { type ItemsRun, NOTHING, type PageOutcome } from '../jobs/segments.ts'
import { noteVerification, type Verification } from '../jobs/verifications.ts'
import type { Log } from '../runtime/log.ts'
import { classify, type Lists } from './classify.ts'
import { VerificationLedger } from './ledger.ts'
import { lookAt } from './look.ts'
import { segmentsOfStep, type VerifyPlan, type VerifyStep, type VerifyStores, verifySteps } from './plan.ts'
import { settleKeys } from './settle.ts'
import { findStrays, gather, narrowRows, type StepParts, sumItems, sumOfRows } from './steps.ts'

/*
 * Compares all that both stores hold of an entity. It reads only, and whoever writes goes on: sums by bucket of the key's hash, of both
 * sides; keys only where these differ; fields only of keys that differ, once they have done so for longer than the lag.
 */

/** The kind of the job. */
const VERIFY = 'verify'

/** Keys that are looked at again together. */
const TOGETHER = 1_000
/** Waiting for what lags is bounded, in milliseconds. */
const LONGEST_WAIT = 60_000

export type VerifyParts = VerifyStores &
  Lists & {
    readonly log: Pick<Log, 'warn'>
    /** Which database it is: a job of another one is not gone on with. */
    readonly database: string
    /** How far what is live is behind, in milliseconds; undefined where that isn't known just now. */
    readonly lag?: (() => Promise<number | undefined>) | undefined
    /** Before keys that differ are looked at again, in milliseconds; twice the lag where that is longer. @default 5000 */
    readonly patience?: number | undefined
    /** How often that is done, at most. @default 8 */
    readonly looks?: number | undefined
  }

type VerifyRun = Omit<ItemsRun, 'onProgress'> & {
  /** Gets how many items, rows or keys this run has gone through in a step. */
  readonly onProgress?: ((step: VerifyStep, looked: number) => void) | undefined
}

/** How far a verification came. */
export type VerifyOutcome = {
  /** False when it was interrupted: it goes on there. */
  readonly done: boolean
  readonly step: VerifyStep
  readonly segments: number
  readonly segmentsDone: number
  /** What it has found; undefined as long as it isn't done. */
  readonly verification: Verification | undefined
  /** When it began: by this its differences are found. */
  readonly run: string
}

/**
 * Verifies as planned.
 *
 * @throws JobBusyError while somebody else is at it; JobChangedError where it was begun with another scope, another database, or
 *   over other columns; what `runJob` throws; DataApiError, DynamoError where a store is down: it goes on where it stopped
 */
export const runVerify = async (
  plan: VerifyPlan,
  { onProgress, ...parts }: VerifyParts & VerifyRun,
): Promise<VerifyOutcome> => {
  const { job, scope, todo, division } = plan
  const { jobs, by, deadline, pace, maxRate, concurrency = 4, onBegin } = parts
  const steps = verifySteps(scope)
  const segmentsFor = (step: VerifyStep): number => segmentsOfStep(step, division, scope)
  const request = {
    ...{ job, kind: VERIFY, spec: specOf(plan, parts.database), by, maxRate },
    ...{ segments: segmentsFor(steps[0]), step: steps[0] },
    again: todo === 'begin' && ('unfinished' as const),
  }
  return runJob(request, { jobs, signal: parts.signal, log: parts.log }, async (run) => {
    const { lease } = run
    const { startedAt } = lease.record
    const ledger = new VerificationLedger(jobs.notes, { job, run: startedAt, buckets: division.buckets })
    onBegin?.(NOTHING)
    const looked = new Map<VerifyStep, number>()
    const done = await runSteps<VerifyStep>(run, {
      ...{ steps, segmentsFor, deadline, pace, concurrency },
      open: (step, signal) =>
        openStep(step, {
          ...{ ...parts, plan, ledger, signal },
          onLooked: (more) => {
            looked.set(step, (looked.get(step) ?? 0) + more)
            onProgress?.(step, looked.get(step) ?? 0)
          },
        }),
    })
    const verification = done ? await concluded(plan, ledger, startedAt) : undefined
    if (verification !== undefined) await noteVerification(verification, jobs)
    const { step, segments } = lease.record
    return {
      ...{ done, result: verification, verification, run: startedAt, segments },
      step: steps.find((known) => known === step) ?? steps[0],
      segmentsDone: lease.progress.filter((segment) => segment.done).length,
    }
  })
}

/** What a verification that goes on has to have been begun with. */
const specOf = ({ scope, table, division, canonical }: VerifyPlan, database: string) => ({
  ...{ table, database, ...division },
  scope: scope.of === 'keys' ? { of: 'keys', keys: hash('sha256', JSON.stringify(scope.keys)) } : scope,
  // By other columns, or by a definition that was changed, the sums of before are none of this one's.
  text: 'why' in canonical ? canonical.why : hash('sha256', canonical.text),
})

const openStep = (
  step: VerifyStep,
  parts: StepParts & Omit<VerifyParts, 'deadline'> & { readonly plan: VerifyPlan },
): OpenedStep => {
  const counted = async ({ looked }: ScanPage): Promise<PageOutcome> => ({ ...NOTHING, items: looked })
  const scan = (of: (own: StepParts, segment: number) => AsyncGenerator<ScanPage>): OpenedStep => ({
    scan: ({ segment }) => of(parts, segment),
    page: counted,
  })
  switch (step) {
    case 'items':
      return scan(sumItems)
    case 'rows':
      return scan(sumOfRows)
    case 'narrow':
      return scan(narrowRows)
    case 'strays':
      return scan(findStrays)
    case 'gather':
      return scan(gather)
    case 'look':
      return { scan: () => suspectPages(parts.ledger), page: (page) => lookAgain(page, parts) }
  }
}

/** The keys that were suspected, as pages of a job. Those of a page that is done are suspected no more: it begins with the rest. */
async function* suspectPages(ledger: VerificationLedger): AsyncGenerator<ScanPage> {
  const pageOf = (keys: readonly string[], isLast: boolean): ScanPage => ({
    items: keys.map((key) => ({ key: { S: key } })),
    next: isLast ? undefined : { more: { BOOL: true } },
    readAt: Date.now(),
    looked: keys.length,
  })
  let gathered: string[] = []
  for await (const keys of ledger.suspects()) {
    gathered = [...gathered, ...keys]
    for (; gathered.length > TOGETHER; gathered = gathered.slice(TOGETHER))
      yield pageOf(gathered.slice(0, TOGETHER), false)
  }
  yield pageOf(gathered, true)
}

const lookAgain = async (
  { items, looked }: ScanPage,
  parts: StepParts & Omit<VerifyParts, 'deadline'>,
): Promise<PageOutcome> => {
  const { plan, ledger, db, lag, patience = 5_000, looks = 8, signal } = parts
  const { entity } = plan
  const log = new ChangeLog(db)
  const keys = items.flatMap(({ key }) => key?.S ?? [])
  const { differing, unsettled } = await settleKeys(keys, {
    ...{ looks, signal },
    look: (some) => lookAt(entity, some, parts),
    patience: async () => Math.min(LONGEST_WAIT, Math.max(patience, 2 * ((await lag?.()) ?? 0))),
    onTheWay: (some) => log.waiting(entity.name, some),
  })
  await ledger.found([
    ...(await classify(entity, differing, parts)),
    ...unsettled.map((key) => ({ key, is: 'unsettled' as const, fields: [] })),
  ])
  await ledger.acquit(keys)
  parts.onLooked(looked)
  return { ...NOTHING, items: looked, refused: differing.length }
}

const concluded = async (
  { entity, scope, division }: VerifyPlan,
  ledger: VerificationLedger,
  freshAt: string,
): Promise<Verification> => {
  const { differences, unsettled } = await ledger.counts()
  const isSummed = scope.of === 'all' || scope.of === 'sample'
  const [items, rows] = isSummed
    ? await Promise.all([
        ledger.allSums('items', division.items),
        ledger.allSums('rows', division.upTo.length + 1),
      ])
    : []
  const at = new Date()
  return {
    ...{ entity: entity.name, at: at.toISOString(), freshAt, complete: scope.of === 'all' },
    ...{ rows: rows?.total ?? 0, items: items?.total ?? 0, differences, unsettled },
    tookMs: at.getTime() - Date.parse(freshAt),
  }
}
