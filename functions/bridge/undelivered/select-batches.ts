import { BridgeError } from '../model/errors.ts'
import { type AgeRange, ageBetween } from '../runtime/age.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { GivenUp } from './given-up.ts'
import type { Undelivered, UndeliveredHead } from './undelivered.ts'

/** What is told of a batch without its records; of one that can't be read, why not. */
export type DescribedBatch = UndeliveredHead & {
  readonly table?: string
  readonly function?: string
  readonly condition?: string
  readonly invocations?: number
  readonly records?: number
  readonly unreadable?: string
}

/** Which batches are meant; what is absent leaves none out. Their age is told by when they were given up. */
export type BatchFilter = AgeRange & {
  /** In whose stream their records are, by the table's name in DynamoDB. */
  readonly table?: string | undefined
  /** The name of the function that would not take them. */
  readonly function?: string | undefined
  /** Why they were given up, in AWS's words. */
  readonly condition?: string | undefined
}

/** Objects that are read at once, and described together. */
const LANES = 8
const PAGE = 100

/** @returns undefined when somebody has ended the batch in the meantime */
export const describeBatch = async (
  undelivered: Pick<Undelivered, 'read'>,
  head: UndeliveredHead,
): Promise<DescribedBatch | undefined> => {
  try {
    const batch = await undelivered.read(head)
    return batch === undefined ? undefined : { ...head, ...factsOf(batch) }
  } catch (error) {
    if (error instanceof BridgeError && error.kind === 'data') return { ...head, unreadable: error.message }
    throw error
  }
}

const factsOf = ({ table, functionName, condition, invocations, records }: GivenUp) => ({
  table,
  function: functionName,
  condition,
  invocations,
  records: records.length,
})

/**
 * Describes the batches that a filter means, in the order of `heads`, page by page: only what one page has read is in memory. A
 * batch that can't be read is meant by no filter that asks for what is in it.
 *
 * @param now by which their age is told
 * @param onRead told after each page how many were looked at
 */
export const describeBatches = async function* (
  undelivered: Pick<Undelivered, 'read'>,
  heads: readonly UndeliveredHead[],
  filter: BatchFilter,
  { now, onRead }: { readonly now: Date; readonly onRead?: (more: number) => void },
): AsyncGenerator<readonly DescribedBatch[]> {
  const aged = heads.filter(isOfAge(filter, now))
  for (let at = 0; at < aged.length; at += PAGE) {
    const some = aged.slice(at, at + PAGE)
    const described = await inLanes(some, LANES, (head) => describeBatch(undelivered, head))
    onRead?.(some.length)
    yield described.filter((one) => one !== undefined).filter((one) => isMeant(filter, one))
  }
}

/**
 * The batches that a filter means, the oldest first. Where it asks for no more than their age none is read.
 *
 * @param options as those of `describeBatches`
 */
export const selectBatches = async (
  undelivered: Pick<Undelivered, 'read'>,
  heads: readonly UndeliveredHead[],
  filter: BatchFilter,
  options: { readonly now: Date; readonly onRead?: (more: number) => void },
): Promise<readonly UndeliveredHead[]> => {
  if (!asksForContent(filter)) return heads.filter(isOfAge(filter, options.now))
  const found: UndeliveredHead[] = []
  for await (const page of describeBatches(undelivered, heads, filter, options))
    found.push(...page.map(({ id, key, at, bytes }) => ({ id, key, at, bytes })))
  return found
}

const isOfAge = (filter: BatchFilter, now: Date): ((head: UndeliveredHead) => boolean) => {
  const isMeantAge = ageBetween(filter, now)
  return ({ at }) => isMeantAge(at)
}

const asksForContent = ({ table, function: by, condition }: BatchFilter): boolean =>
  table !== undefined || by !== undefined || condition !== undefined

const isMeant = (filter: BatchFilter, batch: DescribedBatch): boolean =>
  (filter.table === undefined || filter.table === batch.table) &&
  (filter.function === undefined || filter.function === batch.function) &&
  (filter.condition === undefined || filter.condition === batch.condition)
