import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import type { JobRequest } from '../../../../functions/bridge/jobs/jobs.ts'
import { runJob, runSteps } from '../../../../functions/bridge/jobs/run-job.ts'
import { NOTHING } from '../../../../functions/bridge/jobs/segments.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openClient } from './job-tables.ts'
import { pagesOf, SEGMENTS } from './paged-job.ts'

/**
 * A process that works on a job, to be killed: `node job-process.ts ENDPOINT JOBS_TABLE REQUEST`. It tells each page
 * when that is noted, and `waiting` where it goes no further.
 */
const [, , endpoint, table = '', given = ''] = process.argv
const request: JobRequest = JSON.parse(given)
const deadline = new Deadline()
const jobs = new DynamoJobs({ client: openClient(endpoint), table, deadline })
let last: string | undefined
await runJob(request, { jobs }, async (run) => {
  const done = await runSteps(run, {
    steps: ['read'],
    segmentsFor: () => SEGMENTS,
    concurrency: 1,
    deadline,
    open: (step) => ({
      scan: ({ segment }, start) => pagesOf(segment, start),
      page: async ({ items }) => {
        if (items[0]?.id?.S === '0.2') {
          console.log('waiting')
          await new Promise(() => setInterval(() => {}, 60_000))
        }
        last = `${step} ${items[0]?.id?.S}`
        return { ...NOTHING, items: items.length }
      },
    }),
    onProgress: () => console.log(last),
  })
  return { done, result: undefined }
})
