import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { pairOf } from '../../../../functions/bridge/tables/pairs.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import {
  planTableVerify,
  runTableVerify,
  tableDifferences,
} from '../../../../functions/bridge/tables/verify.ts'
import type { KeptTables } from '../../../support/kept-tables.ts'
import { openClient } from '../jobs/job-tables.ts'

/** What jobs over kept tables are run with. */
export const keptParts = (kept: KeptTables, sync = kept.parts()) => ({
  sync,
  jobs: new DynamoJobs({
    client: sync.client,
    table: kept.config.JOBS_TABLE,
    deadline: new Deadline(),
  }),
})

/** Verifies a kept table, and tells what it has found: `place of source key: kind`, in the order of the texts. */
export const verifyKept = async (
  projection: Projection,
  kept: KeptTables,
  more: Partial<Parameters<typeof runTableVerify>[1]> & { readonly segments?: number } = {},
) => {
  const parts = { ...keptParts(kept), by: 'a test', patience: 10, ...more }
  const { segments = 2 } = more
  const plan = await planTableVerify(projection, parts, { segments })
  const looked: Record<string, number> = {}
  const { verification, done, run } = await runTableVerify(plan, {
    ...parts,
    onProgress: (step, n) => {
      looked[step] = n
      more.onProgress?.(step, n)
    },
  })
  const found: string[] = []
  for await (const page of tableDifferences({ job: plan.job, run }, parts))
    for (const { key, is, relation } of page) {
      const { place = '-', sourceKey = '-' } = pairOf(key)
      found.push(`${place} of ${sourceKey}: ${relation === undefined ? is : `${is}, ${relation}`}`)
    }
  return { ...verification, done, plan, looked, found: found.toSorted() }
}

/** A client that does something before each call of a kind that names a table. It is the caller's to destroy. */
export const clientMeanwhile = (
  endpoint: string,
  { command, table }: { readonly command: string; readonly table: string },
  work: () => Promise<void>,
): DynamoDBClient => {
  const client = openClient(endpoint)
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === command && JSON.stringify(args.input).includes(table)) await work()
        return next(args)
      },
    { step: 'initialize' },
  )
  return client
}
