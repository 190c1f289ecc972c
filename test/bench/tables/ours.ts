import { runCopy } from '../../../functions/bridge/copy/copy.ts'
import { planCopy } from '../../../functions/bridge/copy/copy-plan.ts'
import type { CopyRequest } from '../../../functions/bridge/copy/copy-request.ts'
import { DynamoJobs } from '../../../functions/bridge/jobs/dynamo-jobs.ts'
import { jobsTable } from '../../../functions/bridge/jobs/job-settings.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Stage } from './stage.ts'

/** A copy as the function does it: guarded, counted, its progress noted, and compared at its end. */
export type Copier = {
  /** @returns items that were copied, and how long that took without the comparison at its end, in milliseconds */
  copy(from: string, to: string): Promise<{ readonly items: number; readonly ms: number }>
  /** @returns items that were deleted */
  empty(table: string): Promise<number>
}

export const openCopier = async ({ client, create }: Pick<Stage, 'client' | 'create'>): Promise<Copier> => {
  const deadline = new Deadline()
  const jobs = new DynamoJobs({
    client,
    table: await create([jobsTable.partition, jobsTable.sort]),
    deadline,
  })
  // A cleanup looks at its source, too, which must be another table.
  const other = await create()
  const run = async (request: CopyRequest, onStep: (step: string) => void = () => {}) => {
    const clients = { source: client, destination: client }
    const report = await runCopy(await planCopy(request, clients, { deadline }), {
      clients,
      jobs,
      deadline,
      by: 'benchmark',
      onProgress: ({ step }) => onStep(step),
    })
    if (!report.done || report.refusedItems > 0 || report.equal === false)
      throw new Error(`a copy that isn't one: ${JSON.stringify(report)}`)
    return report
  }
  return {
    copy: async (sourceTableName, destinationTableName) => {
      const start = performance.now()
      let last = start
      const { copied = 0 } = await run(
        { sourceTableName, destinationTableName, cleanupDestinationTable: false, migrate: true },
        (step) => {
          if (step === 'migrate') last = performance.now()
        },
      )
      return { items: copied, ms: last - start }
    },
    empty: async (destinationTableName) => {
      const { cleaned = 0 } = await run({
        sourceTableName: other,
        destinationTableName,
        cleanupDestinationTable: true,
        migrate: false,
      })
      return cleaned
    },
  }
}
