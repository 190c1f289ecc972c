import { LEASE } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import {
  type FoundDifference,
  foundDifference,
  VerificationLedger,
} from '../../../../functions/bridge/verify/ledger.ts'
import { planVerify, type VerifyPlan } from '../../../../functions/bridge/verify/plan.ts'
import { runVerify, type VerifyParts } from '../../../../functions/bridge/verify/run.ts'
import { silent } from '../../../support/log.ts'
import { openJobTables } from '../jobs/job-tables.ts'
import type { TestSync } from '../sync/harness.ts'

/** What a verification is run with, over both stores of a test. */
export const openTestVerify = async (sync: TestSync) => {
  const tables = await openJobTables()
  const parts: VerifyParts = {
    ...{ db: sync.aurora.db, client: sync.client, tables: sync.tables, jobs: tables.jobs() },
    ...{ deadline: new Deadline(), log: silent, database: sync.aurora.database },
    parking: sync.parts.parking,
    undelivered: async () => new Set(),
    // Nothing lags here, but what a test holds back itself.
    patience: 20,
    looks: 4,
  }
  const found = async (plan: VerifyPlan, run: string): Promise<FoundDifference[]> => {
    const ledger = new VerificationLedger(
      parts.jobs.notes,
      {
        ...{ job: plan.job, run, buckets: plan.division.buckets },
      },
      foundDifference,
    )
    const all: FoundDifference[] = []
    for await (const page of ledger.differences()) all.push(...page)
    return all.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }
  return {
    parts,
    jobsTable: tables.jobsTable,
    /** The same jobs for who comes once a lease is over, whose holder is gone. */
    later: () => tables.jobs({ now: () => Date.now() + 2 * LEASE }),
    found,
    /** Verifies, and tells what it has found: `key: kind`. */
    verify: async (
      entity: Entity,
      options: Parameters<typeof planVerify>[2] = {},
      more: Partial<Parameters<typeof runVerify>[1]> = {},
    ) => {
      const all = { ...parts, ...more }
      const plan = await planVerify(entity, all, options)
      const looked: Record<string, number> = {}
      const outcome = await runVerify(plan, {
        ...all,
        by: 'test',
        onProgress: (step, n) => {
          looked[step] = n
          more.onProgress?.(step, n)
        },
      })
      const differences = await found(plan, outcome.run)
      return {
        ...{ plan, outcome, looked, differences },
        kinds: differences.map(({ key, is }) => `${key}: ${is}`),
      }
    },
    close: () => tables.close(),
  }
}

export type TestVerify = Awaited<ReturnType<typeof openTestVerify>>
