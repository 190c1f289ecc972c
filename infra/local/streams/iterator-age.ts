import type { Measurement } from '../metrics/emf.ts'
import type { StreamRecord } from './records.ts'

/**
 * Lambda's metric of how late a mapping is: the age of the last record of a batch when the function gets it. Records
 * carry whole seconds, rounded down, so it reads up to a second more than it is.
 *
 * @param functionName of the function that gets them
 * @param now epoch milliseconds
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export const iteratorAge = (
  { mapping, functionName }: { readonly mapping: string; readonly functionName: string },
  records: readonly StreamRecord[],
  now: number,
): Measurement => {
  const last = records.at(-1)
  return {
    service: 'event-source-mapping',
    entity: mapping,
    functionName,
    name: 'IteratorAge',
    unit: 'Milliseconds',
    values: last ? [Math.max(0, now - last.dynamodb.ApproximateCreationDateTime * 1000)] : [],
  }
}
