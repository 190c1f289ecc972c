import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Deadline } from '../../runtime/deadline.ts'

/** One of Backsync's own tables, and what bounds the calls to it. */
export type OwnTable = {
  readonly client: DynamoDBClient
  /** The table's name in DynamoDB. */
  readonly table: string
  readonly deadline: Deadline
}

type Item = Record<string, AttributeValue>
type ReadPage = { readonly Items?: Item[] | undefined; readonly LastEvaluatedKey?: Item | undefined }

/** All that a call gives which answers in pages. @param read gets where a page begins; the first one begins nowhere */
export const allPages = async (
  read: (from: { readonly ExclusiveStartKey?: Item }) => Promise<ReadPage>,
): Promise<Item[]> => {
  const found: Item[] = []
  let next: Item | undefined
  do {
    const { Items = [], LastEvaluatedKey } = await read(next === undefined ? {} : { ExclusiveStartKey: next })
    found.push(...Items)
    next = LastEvaluatedKey
  } while (next !== undefined)
  return found
}

/** The parts of an update: what is set, added to numbers, and removed, as one clause each. */
export const updateExpression = ({
  set = [],
  add = [],
  remove = [],
}: {
  /** `[path, value]`, as the names and values of the expression have them. */
  readonly set?: readonly (readonly [string, string])[]
  readonly add?: readonly (readonly [string, string])[]
  readonly remove?: readonly string[]
}): string =>
  [
    clause(
      'SET',
      set.map(([path, value]) => `${path} = ${value}`),
    ),
    clause('REMOVE', remove),
    clause(
      'ADD',
      add.map(([path, value]) => `${path} ${value}`),
    ),
  ]
    .filter((part) => part !== '')
    .join(' ')

/** DynamoDB takes a clause once only. */
const clause = (verb: string, members: readonly string[]): string =>
  members.length === 0 ? '' : `${verb} ${members.join(', ')}`
