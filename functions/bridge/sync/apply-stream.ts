import type { ApplyOutcome, GuardedWriter, Refused } from '../aurora/guarded-writer.ts'
import type { Entity } from '../entity.ts'
import type { StreamBatch } from '../normalise/stream.ts'
import type { Log } from '../runtime/log.ts'

/** What Lambda wants to hear of a batch: the records to deliver again. An empty list means that all are done. */
export type StreamAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }

/**
 * Applies a batch of the stream. Each good record is applied, whatever stands before it; each bad one is reported, so
 * that it is delivered again and in the end set aside by the event source mapping. Records behind it are delivered
 * again with it, which the guard makes harmless.
 *
 * @throws BridgeError when the store can't be reached or is not set up: then the whole batch is delivered again
 */
export const applyStream = async (
  batch: StreamBatch,
  entities: readonly Entity[],
  writer: GuardedWriter,
  log: Log,
): Promise<StreamAnswer> => {
  for (const { sequenceNumber, key, error } of batch.rejected)
    log.error('bad record', { sequenceNumber, key, error })
  const failed = batch.rejected.map(({ sequenceNumber }) => sequenceNumber)
  for (const entity of entities) {
    const own = batch.changes.filter(({ change }) => change.entity === entity.name)
    if (own.length === 0) continue
    const outcome = await writer.applyIsolating(
      entity,
      own.map(({ change }) => change),
    )
    report(entity, outcome, log)
    const refused = new Set(outcome.refused.map(({ change }) => change))
    failed.push(...own.flatMap(({ change, sequenceNumber }) => (refused.has(change) ? [sequenceNumber] : [])))
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}

const report = (entity: Entity, outcome: ApplyOutcome & { refused: readonly Refused[] }, log: Log): void => {
  const { applied, skipped, refused } = outcome
  log.info('applied', { entity: entity.name, applied, skipped, refused: refused.length })
  for (const { change, error } of refused)
    log.error('refused change', {
      entity: entity.name,
      key: change.key,
      version: String(change.version),
      error,
    })
}
