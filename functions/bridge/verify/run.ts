import { hash } from 'node:crypto'
import { ChangeLog } from '../aurora/change-log.ts'
import type { ItemsRun } from '../jobs/segments.ts'
import { type Divergence, noteVerification, type Verification } from '../jobs/verifications.ts'
import type { Log } from '../runtime/log.ts'
import { classify, type Lists } from './classify.ts'
import { type ComparisonOutcome, runComparison } from './comparison.ts'
import { entitySides, sampledBuckets } from './entity-sides.ts'
import { gather } from './gather.ts'
import { type FoundDifference, foundDifference, type VerificationLedger } from './ledger.ts'
import { lookAt } from './look.ts'
import { segmentsOfStep, type VerifyPlan, type VerifyStep, type VerifyStores, verifySteps } from './plan.ts'

/*
 * Compares all that both stores hold of an entity. It reads only, and whoever writes goes on: sums by bucket of the key's hash, of both
 * sides; keys only where these differ; fields only of keys that differ, once they have done so for longer than the lag.
 */

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
export type VerifyOutcome = ComparisonOutcome<VerifyStep> & {
  /** What it has found; undefined as long as it isn't done. */
  readonly verification: Verification | undefined
}

/**
 * Verifies as planned.
 *
 * @throws JobBusyError while somebody else is at it; JobChangedError where it was begun with another scope, another database, or
 *   over other columns; what `runJob` throws; DataApiError, DynamoError where a store is down: it goes on where it stopped
 */
export const runVerify = async (plan: VerifyPlan, parts: VerifyParts & VerifyRun): Promise<VerifyOutcome> => {
  const { entity, job, scope, todo, division } = plan
  const { db, lag, patience = 5_000, looks = 8 } = parts
  const log = new ChangeLog(db)
  const { result, ...outcome } = await runComparison(
    {
      ...{ job, todo, spec: specOf(plan, parts.database), buckets: division.buckets },
      ...{ steps: verifySteps(scope, division), found: foundDifference },
      segmentsFor: (step) => segmentsOfStep(step, division, scope),
      sample: [...Array(sampledBuckets(plan)).keys()],
      open: (bounds) => entitySides(plan, { ...parts, ...bounds }),
      gather: (own, segment) => gather({ ...parts, ...own, plan }, segment),
      settling: (bounds) => ({
        looks,
        look: (keys) => lookAt(entity, keys, { ...parts, ...bounds }),
        patience: async () => Math.min(LONGEST_WAIT, Math.max(patience, 2 * ((await lag?.()) ?? 0))),
        onTheWay: (keys) => log.waiting(entity.name, keys),
      }),
      tell: (looked) => classify(entity, looked, parts),
      unsettled: (key): FoundDifference => ({ key, is: 'unsettled', fields: [] }),
      conclude: async (ledger, startedAt) => {
        const verification = await concluded(plan, ledger, startedAt)
        await noteVerification(verification, parts.jobs)
        return verification
      },
    },
    parts,
  )
  return { ...outcome, verification: result }
}

/** What a verification that goes on has to have been begun with. */
const specOf = ({ scope, table, division, canonical }: VerifyPlan, database: string) => ({
  ...{ table, database, ...division },
  scope: scope.of === 'keys' ? { of: 'keys', keys: hash('sha256', JSON.stringify(scope.keys)) } : scope,
  // By other columns, or by a definition that was changed, the sums of before are none of this one's.
  text: 'why' in canonical ? canonical.why : hash('sha256', canonical.text),
})

/** Of a verification that has found nothing. */
const NONE: Readonly<Record<Divergence, number>> = {
  ...{ onlyAurora: 0, onlyDynamo: 0, auroraBehind: 0, dynamoBehind: 0, conflict: 0, typeOnly: 0 },
  ...{ unreadable: 0, parked: 0, undelivered: 0, moving: 0, disputed: 0 },
}

const concluded = async (
  { entity, scope, division }: VerifyPlan,
  ledger: VerificationLedger<FoundDifference>,
  freshAt: string,
): Promise<Verification> => {
  const { differences, unsettled } = await ledger.counts(NONE)
  const { items: segments, sampled, upTo } = division
  const [itemStep, rowStep] = sampled === undefined ? ['items', 'rows'] : ['sampleItems', 'sampleRows']
  const isSummed = scope.of === 'all' || scope.of === 'sample'
  const [items, rows] = isSummed
    ? await Promise.all([
        ledger.allSums(itemStep, sampled ?? segments),
        ledger.allSums(rowStep, upTo.length + 1),
      ])
    : []
  const at = new Date()
  return {
    ...{ entity: entity.name, at: at.toISOString(), freshAt, complete: scope.of === 'all' },
    ...{ rows: rows?.total ?? 0, items: items?.total ?? 0, differences, unsettled },
    tookMs: at.getTime() - Date.parse(freshAt),
  }
}
