import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export type Reading = { readonly calls: number; readonly units: number }

/**
 * Counts the calls that a client of DynamoDB makes from now on, and the capacity units that they take.
 *
 * @returns what came together since it was last asked
 */
export const metered = (client: DynamoDBClient): (() => Reading) => {
  let calls = 0
  let units = 0
  client.middlewareStack.add(
    (next) => async (args) => {
      calls += 1
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } })
      const { ConsumedCapacity = [] } = Object(answer.output)
      for (const one of [ConsumedCapacity].flat()) units += Number(one?.CapacityUnits ?? 0)
      return answer
    },
    { step: 'initialize', name: 'metered', priority: 'high' },
  )
  return () => {
    const reading = { calls, units }
    calls = 0
    units = 0
    return reading
  }
}
