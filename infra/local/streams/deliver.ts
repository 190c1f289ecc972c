import type { Outcome } from '../lambda/environment.ts'
import { InvokeError } from '../lambda/errors.ts'
import { backoffMs, type Clock } from './clock.ts'
import { readOutcome } from './outcome.ts'
import type { StreamRecord } from './records.ts'
import type { MappingSettings } from './settings.ts'

/** Records that are given up, and why. */
export type Discard = {
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded'
  readonly records: readonly StreamRecord[]
  readonly requestId: string
  /** Invocations that these records have been part of since they were last whole. */
  readonly invokeCount: number
  readonly functionError: 'Unhandled' | null
}

/** What delivering needs of the world. */
export type DeliveryPorts = {
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly newRequestId: () => string
  /** @throws InvokeError when the function could not be run */
  readonly invoke: (records: readonly StreamRecord[], requestId: string) => Promise<Outcome>
  /** Tells the on-failure destination; must not resolve before the records are safe there. */
  readonly discard: (discard: Discard) => Promise<void>
  /** Called in order: everything up to and including this record is done with. */
  readonly checkpoint: (record: StreamRecord) => Promise<void>
  readonly log: (line: string) => void
}

type Work = { readonly records: readonly StreamRecord[]; readonly attempts: number }

/**
 * Delivers one batch of one shard until each record is done with: processed, or discarded to the destination.
 *
 * - A function error counts as an attempt, unless bisecting halves the batch: halves carry on the count.
 * - A partial answer rewinds to the lowest reported record; having failed once, it starts with one attempt. An answer
 *   that reports the first record is no progress: it counts, and halves the batch where bisecting is on. So a record
 *   that always fails is discarded alone and exhausts its retries, however the function reports it.
 * - A throttle, or a function that can't be started, counts as no attempt: only the record's age ends it.
 *
 * @returns false when the signal ended it first; what is not checkpointed is delivered again later
 */
export const deliver = async (
  batch: readonly StreamRecord[],
  settings: MappingSettings,
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<boolean> => {
  const stack: Work[] = [{ records: batch, attempts: 0 }]
  let waits = 0
  for (;;) {
    const work = stack.pop()
    if (!work) return true
    if (signal.aborted) return false
    const left = await trim(work, settings, ports)
    const rest = await dropTooOld({ ...work, records: left }, settings, ports)
    if (rest.length === 0) continue
    const requestId = ports.newRequestId()
    const result = await tryInvoke(rest, requestId, settings, ports)
    // An invocation that failed because the runtime is stopping says nothing about its records.
    if (signal.aborted && result.type !== 'done') return false
    switch (result.type) {
      case 'done':
        waits = 0
        await checkpointLast(rest, ports)
        continue
      case 'not-run':
        ports.log(`not delivered, trying again: ${result.reason}`)
        stack.push({ ...work, records: rest })
        break
      case 'partial':
      case 'failed': {
        const index = result.type === 'partial' ? result.index : 0
        if (index > 0) {
          waits = 0
          await checkpointLast(rest.slice(0, index), ports)
          stack.push({ records: rest.slice(index), attempts: 1 })
          break
        }
        if (settings.bisectOnError && rest.length > 1) {
          const middle = Math.ceil(rest.length / 2)
          stack.push({ records: rest.slice(middle), attempts: work.attempts })
          stack.push({ records: rest.slice(0, middle), attempts: work.attempts })
          break
        }
        const attempts = work.attempts + 1
        const functionError = result.type === 'failed' ? result.functionError : null
        if (settings.maximumRetryAttempts >= 0 && attempts > settings.maximumRetryAttempts) {
          waits = 0
          await ports.discard({
            condition: 'RetryAttemptsExhausted',
            records: rest,
            requestId,
            invokeCount: attempts,
            functionError,
          })
          await checkpointLast(rest, ports)
          continue
        }
        stack.push({ records: rest, attempts })
        break
      }
    }
    waits++
    await ports.clock.sleep(backoffMs(waits, ports.random()), signal)
  }
}

type InvokeResult = ReturnType<typeof readOutcome> | { type: 'not-run'; reason: string }

const tryInvoke = async (
  records: readonly StreamRecord[],
  requestId: string,
  settings: MappingSettings,
  ports: DeliveryPorts,
): Promise<InvokeResult> => {
  try {
    const outcome = await ports.invoke(records, requestId)
    const result = readOutcome(outcome, records, settings.reportBatchItemFailures)
    if (result.type === 'failed') ports.log(`batch of ${records.length} failed: ${result.reason}`)
    return result
  } catch (error) {
    if (error instanceof InvokeError) return { type: 'not-run', reason: error.message }
    throw error
  }
}

/** Takes away the records at the front that the stream no longer has: whoever has read them early has no more right to them. */
const trim = async (
  { records }: Work,
  { retentionSeconds }: MappingSettings,
  ports: DeliveryPorts,
): Promise<readonly StreamRecord[]> => {
  const count = olderThan(retentionSeconds, records, ports)
  if (count === 0) return records
  ports.log(`GAP: ${count} record(s) left the stream before they were delivered; reseed from the table`)
  await checkpointLast(records.slice(0, count), ports)
  return records.slice(count)
}

/** How many at the front are older than so many seconds. */
const olderThan = (
  seconds: number,
  records: readonly StreamRecord[],
  { clock }: Pick<DeliveryPorts, 'clock'>,
): number => {
  const oldest = clock.now() / 1000 - seconds
  const fresh = records.findIndex((record) => record.dynamodb.ApproximateCreationDateTime >= oldest)
  return fresh < 0 ? records.length : fresh
}

/** Discards the records at the front that are over the age limit, and returns the others. */
const dropTooOld = async (
  work: Work,
  settings: MappingSettings,
  ports: DeliveryPorts,
): Promise<readonly StreamRecord[]> => {
  if (settings.maximumRecordAgeSeconds < 0) return work.records
  const count = olderThan(settings.maximumRecordAgeSeconds, work.records, ports)
  if (count === 0) return work.records
  const old = work.records.slice(0, count)
  await ports.discard({
    condition: 'RecordAgeExceeded',
    records: old,
    requestId: ports.newRequestId(),
    invokeCount: work.attempts,
    functionError: null,
  })
  await checkpointLast(old, ports)
  return work.records.slice(count)
}

const checkpointLast = async (records: readonly StreamRecord[], ports: DeliveryPorts): Promise<void> => {
  const last = records.at(-1)
  if (last) await ports.checkpoint(last)
}
