import * as z from 'zod'

/** Where DynamoDB keeps what jobs have done. */
export const jobSettings = z.object({ JOBS_TABLE: z.string().min(1) })

/** That table's key, and the attribute (seconds since 1970) with which its time to live removes what is long over. */
export const jobsTable = { partition: 'job', sort: 'part', expiry: 'expires' } as const
