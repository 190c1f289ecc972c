import { BatchExecuteStatementCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'

/** BatchExecuteStatement takes so many statements, of so many characters each. */
const MOST_STATEMENTS = 25
const LONGEST_STATEMENT = 8_192
/** Bytes of items in a call; one that is larger goes alone. */
const MOST_BYTES = 1_000_000
/** Calls at once. */
const LANES = 8

/** What says that this principal, or this server, can't do it at all. */
const UNABLE: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnknownOperationException',
])

/** What became of an item that was to be made; `open`: that is not known, or DynamoDB has refused it for something else. */
export type Making = 'made' | 'there' | 'open'

export type MadeTogether = {
  /** One for each item, in that order. */
  readonly makings: readonly Making[]
  /** Whether some call was sent more than once: what it says is there may be of its own making. */
  readonly repeated: boolean
  /** Whether nothing can be made so: the permission is missing, or the server doesn't know how. */
  readonly unable: boolean
}

/**
 * Makes items of different keys, many with one call. Each stands for itself: DynamoDB makes it only where there is none of its
 * primary key, and says so of each. A call that fails leaves its items open.
 *
 * @param table its name in DynamoDB
 * @throws DeadlineError
 */
export const makeTogether = async (
  { client, deadline }: { readonly client: DynamoDBClient; readonly deadline: Deadline },
  table: string,
  items: readonly Item[],
): Promise<MadeTogether> => {
  const outcomes = await inLanes(batchesOf(table, items), LANES, async (batch) => {
    const command = new BatchExecuteStatementCommand({
      Statements: batch.map(({ Statement, Parameters }) => ({ Statement, Parameters })),
    })
    try {
      const answer = await call('BatchExecuteStatement', deadline, (options) => client.send(command, options))
      const codes = batch.map((_, at) => answer.Responses?.[at]?.Error?.Code)
      const isWhole = answer.Responses?.length === batch.length
      return {
        makings: batch.map(({ at }, nth) => [at, isWhole ? makingOf(codes[nth]) : 'open'] as const),
        repeated: (answer.$metadata.attempts ?? 1) > 1,
        unable: codes.some((code) => code !== undefined && UNABLE.has(code)),
      }
    } catch (error) {
      if (!(error instanceof DynamoError)) throw error
      const name = error.cause instanceof Error ? error.cause.name : ''
      // It may have been carried out all the same.
      return { makings: [], repeated: true, unable: UNABLE.has(name) }
    }
  })
  const known = new Map(outcomes.flatMap(({ makings }) => makings))
  return {
    makings: items.map((_, at) => known.get(at) ?? 'open'),
    repeated: outcomes.some(({ repeated }) => repeated),
    unable: outcomes.some(({ unable }) => unable),
  }
}

const makingOf = (code: string | undefined): Making => {
  if (code === undefined) return 'made'
  return code === 'DuplicateItem' ? 'there' : 'open'
}

type Insert = { readonly at: number; readonly Statement: string; readonly Parameters: Item[string][] }

const batchesOf = (table: string, items: readonly Item[]): readonly Insert[][] => {
  const batches: Insert[][] = []
  let batch: Insert[] = []
  let bytes = 0
  for (const [at, item] of items.entries()) {
    const names = Object.keys(item)
    const Statement = `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name.replaceAll("'", "''")}': ?`).join(', ')}}`
    if (Statement.length > LONGEST_STATEMENT) continue
    const size = itemSize(item)
    if (batch.length === MOST_STATEMENTS || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push({ at, Statement, Parameters: Object.values(item) })
    bytes += size
  }
  return batch.length === 0 ? batches : [...batches, batch]
}
