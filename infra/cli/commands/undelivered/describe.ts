import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import type { GivenUp } from '../../../../functions/bridge/undelivered/given-up.ts'
import type { Undelivered, UndeliveredHead } from '../../../../functions/bridge/undelivered/undelivered.ts'

/** What is told of a batch without its records; of one that can't be read, why not. */
export type Described = UndeliveredHead & {
  readonly table?: string
  readonly function?: string
  readonly condition?: string
  readonly invocations?: number
  readonly records?: number
  readonly unreadable?: string
}

/** @returns undefined when somebody has ended the batch in the meantime */
export const describe = async (
  undelivered: Undelivered,
  head: UndeliveredHead,
): Promise<Described | undefined> => {
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
