import * as z from 'zod'

/** Values of one metric that were published together. */
export type Measurement = {
  /** Who publishes, such as `back-sync`. */
  readonly service: string
  /** What it is about: an entity, or an event source mapping. */
  readonly entity: string
  /** The function whose metric it is, where Lambda itself measures it. */
  readonly functionName?: string
  readonly name: string
  /** CloudWatch's unit, such as `Count` or `Milliseconds`. */
  readonly unit: string
  readonly values: readonly number[]
}

const schema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().default('None') })),
      }),
    ),
  }),
  service: z.string(),
  entity: z.string(),
})
const valuesSchema = z.union([z.number(), z.array(z.number())])

/**
 * The metrics in what a function has printed: lines in CloudWatch's embedded metric format with the dimensions
 * `service` and `entity`. Every other line, and a malformed one, is none: CloudWatch says nothing about it either.
 *
 * @param text whole lines; a function's single write is never split
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export const readEmf = (text: string): Measurement[] =>
  text.includes('"_aws"') ? text.split('\n').flatMap(measurementsOf) : []

const measurementsOf = (line: string): Measurement[] => {
  if (!line.startsWith('{')) return []
  const parsed = schema.safeParse(jsonOrNothing(line))
  if (!parsed.success) return []
  const { service, entity, _aws, ...members } = parsed.data
  return _aws.CloudWatchMetrics.filter(({ Dimensions }) =>
    Dimensions.some((set) => set.includes('service') && set.includes('entity')),
  ).flatMap(({ Metrics }) =>
    Metrics.flatMap(({ Name, Unit }) => {
      const values = valuesSchema.safeParse(members[Name])
      return values.success ? [{ service, entity, name: Name, unit: Unit, values: [values.data].flat() }] : []
    }),
  )
}

const jsonOrNothing = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    // A log line that only looks like JSON: it is in the log file, and it is no metric.
    return undefined
  }
}
