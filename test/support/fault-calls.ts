import * as z from 'zod'

/** One request to DynamoDB, as a hook sees it. */
export type Call = {
  /** Such as `BatchWriteItem`. */
  readonly operation: string
  /** The request as JSON. */
  readonly body: Readonly<Record<string, unknown>>
  /** The DynamoDB names of the tables that it touches. */
  readonly tables: readonly string[]
  /** How many writes it holds. */
  readonly writes: number
  /** Its place among the calls of its operation, from 1. */
  readonly place: number
}

const anything = z.record(z.string(), z.unknown())
const named = z.looseObject({ TableName: z.string() })
const batch = z.record(z.string(), z.array(z.unknown()))
const keys = z.record(z.string(), z.looseObject({ Keys: z.array(z.unknown()) }))
const transaction = z.array(anything)

/** @param text the request's body */
export const toCall = (operation: string, text: string, place: number): Call => {
  const body = anything.parse(JSON.parse(text === '' ? '{}' : text))
  return { operation, body, tables: tablesOf(body), writes: writesOf(operation, body), place }
}

const tablesOf = (body: Call['body']): readonly string[] => {
  const one = named.safeParse(body)
  if (one.success) return [one.data.TableName]
  const many = anything.safeParse(body.RequestItems)
  if (many.success) return Object.keys(many.data)
  const written = transaction.safeParse(body.TransactItems)
  const parts = (written.success ? written.data : []).flatMap((item) => Object.values(item))
  return [...new Set(parts.flatMap((part) => named.safeParse(part).data?.TableName ?? []))]
}

const writesOf = (operation: string, body: Call['body']): number => {
  if (operation === 'TransactWriteItems') return transaction.parse(body.TransactItems).length
  if (operation === 'BatchWriteItem') return Object.values(batch.parse(body.RequestItems)).flat().length
  return ['PutItem', 'UpdateItem', 'DeleteItem'].includes(operation) ? 1 : 0
}

/** What is done of a batch, and how its answer names what isn't. */
type Parts = {
  readonly done: unknown
  complete(answer: unknown): unknown
}

/**
 * Splits a batch: of each table, the last ones are left out.
 *
 * @param share between 0 and 1, rounded down over the whole batch
 * @returns undefined when nothing would be left to do
 * @throws Error for a call that isn't a batch
 */
export const leaveOut = ({ operation, body }: Call, share: number): Parts | undefined => {
  const reads = operation === 'BatchGetItem'
  if (!reads && operation !== 'BatchWriteItem') throw new Error(`${operation} has no unprocessed items`)
  const all = entriesOf(reads, body.RequestItems)
  const kept = all.length - Math.floor(all.length * share)
  if (kept === 0) return undefined
  const group = (part: readonly { table: string; entry: unknown }[]): Record<string, unknown> => {
    const groups = Map.groupBy(part, ({ table }) => table)
    return Object.fromEntries(
      [...groups].map(([table, list]) => {
        const entries = list.map(({ entry }) => entry)
        const rest = reads ? anything.parse(anything.parse(body.RequestItems)[table]) : {}
        return [table, reads ? { ...rest, Keys: entries } : entries]
      }),
    )
  }
  const name = reads ? 'UnprocessedKeys' : 'UnprocessedItems'
  return {
    done: { ...body, RequestItems: group(all.slice(0, kept)) },
    complete: (answer) => {
      const real = anything.parse(answer)
      return { ...real, [name]: group([...entriesOf(reads, real[name] ?? {}), ...all.slice(kept)]) }
    },
  }
}

const entriesOf = (reads: boolean, items: unknown): readonly { table: string; entry: unknown }[] => {
  const lists = reads
    ? Object.entries(keys.parse(items)).map(([table, { Keys }]) => [table, Keys] as const)
    : Object.entries(batch.parse(items))
  return lists.flatMap(([table, list]) => list.map((entry) => ({ table, entry })))
}
