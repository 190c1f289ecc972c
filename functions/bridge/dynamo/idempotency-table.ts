import * as z from 'zod'

/** Where DynamoDB keeps the first answers to repeatable requests. */
export const idempotencySettings = z.object({ IDEMPOTENCY_TABLE: z.string().min(1) })

/** That table's partition key, and the attribute (seconds since 1970) with which its time to live removes records. */
export const recordTable = { key: 'id', expiry: 'expires' } as const
