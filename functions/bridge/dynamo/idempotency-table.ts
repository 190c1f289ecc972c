import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'

/** The table in which DynamoDB keeps the first answers to repeatable requests, until they expire. */
export const recordTable = { partition: 'id', expiry: 'expires' } as const satisfies StateTableKeys
