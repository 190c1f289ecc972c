import * as z from 'zod'

/** What the benchmark asks of the process in which the handlers run. */
export const order = z.object({
  id: z.int(),
  /** `original`: one call per record, as the first design did; `ours`: the legacy handler. `mixed`: see toMixedEvent. */
  way: z.enum(['original', 'ours', 'ours, mixed']),
  /** Records per invocation. */
  batch: z.int().min(1),
  /** The first chef's number, how many there are, and their version. */
  from: z.int(),
  count: z.int().min(1),
  version: z.int().min(1),
})
export type Order = z.infer<typeof order>

/** What an order took. */
export const report = z.object({
  id: z.int(),
  ms: z.number(),
  /** Each invocation's milliseconds. */
  invocations: z.array(z.number()),
  /** Calls to the Data API and to DynamoDB. */
  dataApiCalls: z.int(),
  dynamoDbCalls: z.int(),
  cpuSeconds: z.number(),
  /** The largest resident set so far, in bytes. */
  peakMemory: z.number(),
})
export type Report = z.infer<typeof report>
