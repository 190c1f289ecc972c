import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'

/** The table in which DynamoDB keeps what jobs have done; what is long over expires. */
export const jobsTable = {
  partition: 'job',
  sort: 'part',
  expiry: 'expires',
} as const satisfies StateTableKeys
