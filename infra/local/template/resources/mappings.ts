import * as z from 'zod'
import { type MappingSettings, STREAM_RETENTION } from '../../streams/settings.ts'
import { TemplateError } from '../errors.ts'
import { boolean, number, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  Enabled: boolean.default(true),
  BatchSize: number.default(100),
  MaximumBatchingWindowInSeconds: number.default(0),
  StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST']),
  ParallelizationFactor: number.default(1),
  BisectBatchOnFunctionError: boolean.default(false),
  MaximumRetryAttempts: number.default(-1),
  MaximumRecordAgeInSeconds: number.default(-1),
  TumblingWindowInSeconds: number.default(0),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  FilterCriteria: z.object({ Filters: z.array(z.object({ Pattern: z.string() })).default([]) }).optional(),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.string() }).optional() }).optional(),
})

/** An event source mapping of the template. */
export type DefinedMapping = {
  readonly logicalId: string
  readonly settings: MappingSettings
  /** Name or ARN. */
  readonly functionName: string
  readonly enabled: boolean
  readonly destinationArn?: string
}

/** The event source mappings of the stack. Tables must have published their stream ARN before. */
export const mappingsOf = (scope: TemplateScope): DefinedMapping[] =>
  scope.resources('AWS::Lambda::EventSourceMapping').map(([logicalId]) => {
    const path = `Resources.${logicalId}.Properties`
    const p = readProperties(scope, logicalId, schema)
    if (!/^arn:[^:]*:dynamodb:.*\/stream\//.test(p.EventSourceArn)) {
      throw new TemplateError(
        'template.unsupported',
        `${path}.EventSourceArn`,
        'only DynamoDB streams are run here',
      )
    }
    if (p.TumblingWindowInSeconds > 0) {
      throw new TemplateError('template.unsupported', `${path}.TumblingWindowInSeconds`, 'not run here')
    }
    within(path, 'BatchSize', p.BatchSize, 1, 10_000)
    within(path, 'ParallelizationFactor', p.ParallelizationFactor, 1, 10)
    within(path, 'MaximumBatchingWindowInSeconds', p.MaximumBatchingWindowInSeconds, 0, 300)
    within(path, 'MaximumRetryAttempts', p.MaximumRetryAttempts, -1, 10_000)
    if (p.MaximumRecordAgeInSeconds !== -1) {
      within(path, 'MaximumRecordAgeInSeconds', p.MaximumRecordAgeInSeconds, 60, 604_800)
    }
    const destinationArn = p.DestinationConfig?.OnFailure?.Destination
    return {
      logicalId,
      functionName: p.FunctionName,
      enabled: p.Enabled,
      ...(destinationArn !== undefined && { destinationArn }),
      settings: {
        uuid: String(scope.ref(logicalId, path)),
        streamArn: p.EventSourceArn,
        batchSize: p.BatchSize,
        windowSeconds: p.MaximumBatchingWindowInSeconds,
        startingPosition: p.StartingPosition,
        parallelizationFactor: p.ParallelizationFactor,
        bisectOnError: p.BisectBatchOnFunctionError,
        maximumRetryAttempts: p.MaximumRetryAttempts,
        maximumRecordAgeSeconds: p.MaximumRecordAgeInSeconds,
        retentionSeconds: STREAM_RETENTION,
        reportBatchItemFailures: p.FunctionResponseTypes.length > 0,
        filters: (p.FilterCriteria?.Filters ?? []).map(({ Pattern }) => parsePattern(Pattern, path)),
      },
    }
  })

const within = (path: string, name: string, value: number, low: number, high: number): void => {
  if (value >= low && value <= high) return
  const message = `expected ${low} to ${high}, got ${value}`
  throw new TemplateError('template.malformed-property', `${path}.${name}`, message)
}

const parsePattern = (pattern: string, path: string): unknown => {
  try {
    return JSON.parse(pattern)
  } catch (cause) {
    throw new TemplateError('template.malformed-property', `${path}.FilterCriteria`, 'expected JSON', {
      cause,
    })
  }
}
