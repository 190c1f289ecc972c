/**
 * Stands for `@smithy/core/event-streams` in the functions' bundles, which the SDK loads for operations that stream
 * events. Of DynamoDB and the Data API none does, of S3 none that is called.
 */
const leftOut = (): never => {
  throw new Error(
    'Event streams are left out of the bundles of the functions: see infra/constructs/bundled-code.ts',
  )
}

export const eventStreamSerdeProvider = leftOut

export const EventStreamSerde = leftOut

/** Called while a client of S3 is made, which answers with its settings: there is nothing to add to them. */
export const resolveEventStreamSerdeConfig = <T>(settings: T): T => settings
