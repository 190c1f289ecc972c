import { normaliseStreamEvent } from '../normalise/stream.ts'
import { UnknownEventError } from '../runtime/unknown-event.ts'
import { applyStream, type StreamAnswer } from '../sync/apply-stream.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'
import { projectionIndex } from './projection-reader.ts'

/**
 * Applies a batch of a source table's stream to all that is kept of it, but for what is finished.
 *
 * @throws UnknownEventError for anything but a stream event; what `applyStream` throws
 */
export const keepTables = async (
  event: unknown,
  projections: readonly Projection[],
  parts: TableSyncParts,
): Promise<StreamAnswer> => {
  const finished = await parts.states.finished(projections.map(({ name }) => name))
  const batch = normaliseStreamEvent(event, projectionIndex(projections, parts.tables.names, finished))
  if (batch === undefined) throw new UnknownEventError()
  const answer = await applyStream(batch, parts)
  await beat(batch.changes, parts)
  return answer
}

/** Tells operators how far the stream has come. It is news, not data: that it fails is no reason to deliver again. */
const beat = async (
  changes: readonly { readonly change: { readonly entity: string; readonly at: string } }[],
  { states, log, now }: TableSyncParts,
): Promise<void> => {
  const latest = new Map(changes.map(({ change }) => [change.entity, change.at]))
  try {
    await Promise.all([...latest].map(([name, at]) => states.beat(name, at, now())))
  } catch (error) {
    log.warn('progress could not be noted', { error })
  }
}
