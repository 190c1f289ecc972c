import * as z from 'zod'
import { UnreadableBatchError } from './errors.ts'

/** What an event source says of a batch that it gave up on, with the records themselves. */
export type GivenUp = {
  /** When it was given up: ISO 8601. */
  readonly at: string
  /** Why, in AWS's words: `RetryAttemptsExhausted`, `RecordAgeExceeded`. */
  readonly condition: string
  /** The name of the function that would not take it. */
  readonly functionName: string
  readonly invocations: number
  /** The name in DynamoDB of the table in whose stream the records are. */
  readonly table: string
  readonly streamArn: string
  readonly shard: string
  readonly firstSequenceNumber: string | undefined
  readonly lastSequenceNumber: string | undefined
  /** Stream records, as Lambda delivers them. */
  readonly records: readonly unknown[]
}

/** The payload is the event itself; as text, where whoever filed it wrote it so. */
const event = z.object({ Records: z.array(z.unknown()).min(1) })
const payload = z.union([
  event,
  z
    .string()
    .transform((text, context) => jsonOr(text, () => context.addIssue('the payload is not JSON')))
    .pipe(event),
])

const shape = z.object({
  timestamp: z.string(),
  requestContext: z.object({
    functionArn: z.string(),
    condition: z.string(),
    approximateInvokeCount: z.number().default(0),
  }),
  DDBStreamBatchInfo: z.object({
    shardId: z.string(),
    streamArn: z.string(),
    startSequenceNumber: z.string().optional(),
    endSequenceNumber: z.string().optional(),
  }),
  payload,
})

/**
 * Reads an object of the failure bucket.
 *
 * @throws UnreadableBatchError when it is not what an event source mapping of a DynamoDB stream writes into a bucket
 */
export const readGivenUp = (text: string): GivenUp => {
  const parsed = shape.safeParse(jsonOr(text, () => undefined))
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') || 'its JSON'
    throw new UnreadableBatchError(`The object is no batch of stream records: see ${where}`, {
      cause: parsed.error,
    })
  }
  const { timestamp, requestContext, DDBStreamBatchInfo: info } = parsed.data
  const table = /:table\/([^/]+)\/stream\//.exec(info.streamArn)?.[1]
  if (table === undefined) throw new UnreadableBatchError('The object names no stream of a DynamoDB table')
  return {
    at: timestamp,
    condition: requestContext.condition,
    functionName: /:function:([^:]+)/.exec(requestContext.functionArn)?.[1] ?? requestContext.functionArn,
    invocations: requestContext.approximateInvokeCount,
    table,
    streamArn: info.streamArn,
    shard: info.shardId,
    firstSequenceNumber: info.startSequenceNumber,
    lastSequenceNumber: info.endSequenceNumber,
    records: parsed.data.payload.Records,
  }
}

const jsonOr = (text: string, otherwise: () => void): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    otherwise()
    return undefined
  }
}
