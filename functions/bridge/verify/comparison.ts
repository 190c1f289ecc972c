import type * as z from 'zod'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'
import type { DynamoJobs } from '../jobs/dynamo-jobs.ts'
import { type OpenedStep, runJob, runSteps } from '../jobs/run-job.ts'
import { type ItemsRun, NOTHING, type PageOutcome } from '../jobs/segments.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import { VerificationLedger } from './ledger.ts'
import { sampleItems, sampleRows } from './sample.ts'
import { type LookedAt, type Settling, settleKeys } from './settle.ts'
import type { ComparedSides, FoundKey } from './sides.ts'
import {
  differingBuckets,
  findStrays,
  narrowRows,
  type StepPages,
  type StepParts,
  strayBuckets,
  sumUp,
} from './steps.ts'

/*
 * The one way in which two sides are compared: as a job that goes on where it stopped, step by step, and of which the ledger says what
 * it has found. What the sides are, how two records of a key stand to each other and what is made of it all is the caller's.
 */

/** The kind of the job. */
const VERIFY = 'verify'

/** Keys that are looked at again together. */
const TOGETHER = 1_000

export type ComparisonStep =
  | 'items'
  | 'rows'
  | 'narrow'
  | 'strays'
  | 'sampleRows'
  | 'sampleItems'
  | 'gather'
  | 'look'

/** What bounds a run's reads. */
export type ReadBounds = {
  readonly signal: AbortSignal
  readonly limiter?: RateLimiter | undefined
}

/**
 * What is compared.
 *
 * @typeParam L what both sides hold of a key
 * @typeParam D what is noted of one that differs
 * @typeParam R what is made of all that was found
 */
export type ComparedBy<S extends ComparisonStep, L extends LookedAt, D extends FoundKey, R> = {
  readonly job: string
  /** Whether what an earlier run has found out is forgotten. */
  readonly todo: 'begin' | 'go on'
  /** What one that goes on has to have been begun with, as JSON. */
  readonly spec: unknown
  readonly buckets: number
  readonly steps: readonly [S, ...S[]]
  readonly segmentsFor: (step: S) => number
  /** The form of what is noted. */
  readonly found: z.ZodType<D>
  readonly open: (bounds: ReadBounds) => ComparedSides<D>
  /** Of a sample that is read by keys: the buckets that it has of the rows. */
  readonly sample?: readonly number[] | undefined
  /** What the step `gather` does with a segment, where there is one. */
  readonly gather?: ((parts: StepParts<D> & ReadBounds, segment: number) => StepPages) | undefined
  readonly settling: (bounds: ReadBounds) => Omit<Settling<L>, 'signal'>
  /** Tells of keys that differ, and have stayed as they are, how. */
  readonly tell: (looked: readonly L[]) => Promise<readonly D[]>
  readonly unsettled: (key: string) => D
  /** Is called once all is done. @param startedAt by this its differences are found */
  readonly conclude: (ledger: VerificationLedger<D>, startedAt: string) => Promise<R>
}

export type ComparisonParts = {
  readonly jobs: DynamoJobs
  readonly deadline: Deadline
  readonly log: Pick<Log, 'warn'>
}

export type ComparisonRun<S> = Omit<ItemsRun, 'onProgress'> & {
  /** Gets how many items, rows or keys this run has gone through in a step. */
  readonly onProgress?: ((step: S, looked: number) => void) | undefined
}

/** How far a comparison came. */
export type ComparisonOutcome<S> = {
  /** False when it was interrupted: it goes on there. */
  readonly done: boolean
  readonly step: S
  readonly segments: number
  readonly segmentsDone: number
  /** When it began: by this its differences are found. */
  readonly run: string
}

/**
 * Compares two sides.
 *
 * @returns what was made of all that was found, as `result`; undefined as long as it isn't done
 * @throws JobBusyError while somebody else is at it; JobChangedError where it was begun with something else; what `runJob` and what
 *   the sides' reads throw: it goes on where it stopped
 */
export const runComparison = async <S extends ComparisonStep, L extends LookedAt, D extends FoundKey, R>(
  of: ComparedBy<S, L, D, R>,
  parts: ComparisonParts & ComparisonRun<S>,
): Promise<ComparisonOutcome<S> & { readonly result: R | undefined }> => {
  const { job, steps, segmentsFor } = of
  const { jobs, by, deadline, pace, maxRate, concurrency = 4, onBegin, onProgress } = parts
  const [first] = steps
  const request = {
    ...{ job, kind: VERIFY, spec: of.spec, by, maxRate, segments: segmentsFor(first), step: first },
    again: of.todo === 'begin' && ('unfinished' as const),
  }
  return runJob(request, { jobs, signal: parts.signal, log: parts.log }, async (run) => {
    const { lease } = run
    const { startedAt } = lease.record
    const ledger = new VerificationLedger(jobs.notes, { job, run: startedAt, buckets: of.buckets }, of.found)
    onBegin?.(NOTHING)
    const looked = new Map<S, number>()
    const done = await runSteps<S>(run, {
      ...{ steps, segmentsFor, deadline, pace, concurrency },
      open: (step, signal) => {
        const bounds = { signal, limiter: parts.limiter }
        const onLooked = (more: number): void => {
          looked.set(step, (looked.get(step) ?? 0) + more)
          onProgress?.(step, looked.get(step) ?? 0)
        }
        return openStep(step, of, { ...bounds, ledger, pace, onLooked, sides: of.open(bounds) })
      },
    })
    const result = done ? await of.conclude(ledger, startedAt) : undefined
    const { step, segments } = lease.record
    return {
      ...{ done, result, run: startedAt, segments },
      step: steps.find((known) => known === step) ?? first,
      segmentsDone: lease.progress.filter((segment) => segment.done).length,
    }
  })
}

const openStep = <L extends LookedAt, D extends FoundKey, R>(
  step: ComparisonStep,
  of: Pick<ComparedBy<ComparisonStep, L, D, R>, 'gather' | 'sample' | 'settling' | 'tell' | 'unsettled'>,
  parts: StepParts<D> & ReadBounds,
): OpenedStep => {
  const scan = (pagesOf: (segment: number) => StepPages): OpenedStep => ({
    scan: ({ segment }) => pagesOf(segment),
    page: async ({ looked }: ScanPage): Promise<PageOutcome> => ({ ...NOTHING, items: looked }),
  })
  switch (step) {
    case 'items':
    case 'rows':
      return scan((segment) => sumUp(parts, step, segment))
    case 'narrow': {
      const wanted = differingBuckets(parts)
      return scan((segment) => narrowRows(parts, segment, wanted))
    }
    case 'strays': {
      const wanted = strayBuckets(parts)
      return scan((segment) => findStrays(parts, segment, wanted))
    }
    case 'sampleRows': {
      const { sample = [] } = of
      return scan((segment) => sampleRows(parts, segment, sample))
    }
    case 'sampleItems':
      return scan((segment) => sampleItems(parts, segment))
    case 'gather': {
      const { gather } = of
      if (gather === undefined) throw new TypeError('Nothing is gathered in this comparison')
      return scan((segment) => gather(parts, segment))
    }
    case 'look':
      return { scan: () => suspectPages(parts.ledger), page: (page) => lookAgain(page, of, parts) }
  }
}

/** The keys that were suspected, as pages of a job. Those of a page that is done are suspected no more: it begins with the rest. */
async function* suspectPages<D extends FoundKey>(ledger: VerificationLedger<D>): StepPages {
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

const lookAgain = async <L extends LookedAt, D extends FoundKey, R>(
  { items, looked }: ScanPage,
  { settling, tell, unsettled }: Pick<ComparedBy<ComparisonStep, L, D, R>, 'settling' | 'tell' | 'unsettled'>,
  { ledger, onLooked, ...bounds }: StepParts<D> & ReadBounds,
): Promise<PageOutcome> => {
  const keys = items.flatMap(({ key }) => key?.S ?? [])
  const settled = await settleKeys(keys, { ...settling(bounds), signal: bounds.signal })
  await ledger.found([...(await tell(settled.differing)), ...settled.unsettled.map(unsettled)])
  await ledger.acquit(keys)
  onLooked(looked)
  return { ...NOTHING, items: looked, refused: settled.differing.length }
}
