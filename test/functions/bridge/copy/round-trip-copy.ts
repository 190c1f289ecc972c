import type { CopyReport } from '../../../../functions/bridge/copy/copy-report.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { jobsTable } from '../../../../functions/bridge/jobs/job-settings.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { TestTables } from '../../../support/dynamo-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

/** Copies a table as the function does. */
export const copyAll = async (ground: TestTables, from: string, to: string): Promise<CopyReport> => {
  const { client } = ground
  const deadline = new Deadline()
  const table = await ground.create(
    'jobs',
    keySchema({ partition: jobsTable.partition, sort: jobsTable.sort }, 'jobs'),
  )
  return planAndCopy(
    { sourceTableName: from, destinationTableName: to, cleanupDestinationTable: false, migrate: true },
    {
      clients: { source: client, destination: client },
      jobs: new DynamoJobs({ client, table, deadline }),
      deadline,
      by: 'test',
    },
  )
}
