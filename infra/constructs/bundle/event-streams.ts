/**
 * Stands for `@smithy/core/event-streams` in the functions' bundles, which the SDK loads for operations that stream
 * events. Neither DynamoDB nor the Data API has one.
 */
const leftOut = (): never => {
  throw new Error(
    'Event streams are left out of the bundles of the functions: see infra/constructs/bundled-code.ts',
  )
}

export const eventStreamSerdeProvider = leftOut

export const EventStreamSerde = leftOut
