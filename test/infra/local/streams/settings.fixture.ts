import type { Clock } from '../../../../infra/local/streams/clock.ts'
import type { MappingSettings } from '../../../../infra/local/streams/settings.ts'

export const settings = (changes: Partial<MappingSettings> = {}): MappingSettings => ({
  uuid: '00000000-0000-4000-8000-000000000000',
  streamArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s',
  batchSize: 100,
  windowSeconds: 0,
  startingPosition: 'TRIM_HORIZON',
  parallelizationFactor: 1,
  bisectOnError: false,
  maximumRetryAttempts: -1,
  maximumRecordAgeSeconds: -1,
  retentionSeconds: 86_400,
  reportBatchItemFailures: true,
  filters: [],
  ...changes,
})

/** A clock that a sleeper moves itself, and that remembers how long the sleeps were. */
export class FakeClock implements Clock {
  readonly sleeps: number[] = []
  #now: number

  constructor(now = 1_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.sleeps.push(ms)
    this.#now += ms
    // Lets I/O happen, as a real wait would.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
