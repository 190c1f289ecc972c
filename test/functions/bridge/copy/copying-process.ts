import { readCopyEvent } from '../../../../functions/bridge/copy/copy-request.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openClient } from '../jobs/job-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

/**
 * A process that copies a table, to be killed: `node copying-process.ts ENDPOINT JOBS_TABLE REQUEST`. It prints the
 * report where nobody does.
 */
const [, , endpoint, table = '', request = ''] = process.argv
const client = openClient(endpoint)
const deadline = new Deadline()
const report = await planAndCopy(readCopyEvent(JSON.parse(request)), {
  clients: { source: client, destination: client },
  jobs: new DynamoJobs({ client, table, deadline }),
  deadline,
  by: 'a process',
})
client.destroy()
console.log(JSON.stringify(report))
