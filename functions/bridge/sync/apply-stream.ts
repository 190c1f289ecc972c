import type { Rejected, StreamBatch, StreamChange } from '../normalise/stream.ts'
import { type Evidence, namelessKey } from './evidence.ts'
import { follow } from './follow.ts'
import type { Mirror } from './mirror.ts'

/** What Lambda wants to hear of a batch: the records to deliver again. An empty list means that all are done. */
export type StreamAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }

/**
 * Applies a batch of a DynamoDB stream, and reports only what could neither be applied nor parked, to be delivered again.
 *
 * @throws BridgeError as `follow` does: then the whole batch is delivered again
 */
export const applyStream = async (batch: StreamBatch, mirror: Mirror): Promise<StreamAnswer> => {
  const evidence = evidenceOf(batch)
  const verdicts = await follow(evidence, mirror)
  for (const [table, count] of batch.ignored) mirror.metrics.count('Ignored', table, count)
  for (const { change, unknownAttributes } of batch.changes)
    if (unknownAttributes > 0) mirror.metrics.count('UnknownAttributes', change.entity, unknownAttributes)
  // A record may have made more than one change.
  const again = new Set(
    evidence.filter((_, at) => verdicts[at] === 'again').map(({ place }) => place.sequenceNumber),
  )
  return { batchItemFailures: [...again].map((itemIdentifier) => ({ itemIdentifier })) }
}

/** The changes of a batch, and what could become none, with the records that they came from. */
export const evidenceOf = ({ rejected, changes }: StreamBatch): readonly StreamEvidence[] =>
  [...rejected, ...changes].map(toEvidence)

type StreamEvidence = Evidence & { readonly place: { readonly sequenceNumber: string } }

const toEvidence = (one: StreamChange | Rejected): StreamEvidence => {
  const { sequenceNumber, record } = one
  const proof = { place: { sequenceNumber }, payload: () => JSON.stringify(record) }
  if ('change' in one) return { change: one.change, ...proof }
  const { entity, key = namelessKey(sequenceNumber), version, error } = one
  return { fault: { entity, key, version, error }, ...proof }
}
