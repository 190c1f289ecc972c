import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fc, test } from '@fast-check/jest'
import { describe, expect } from '@jest/globals'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import { InvokeError } from '../../../../infra/local/lambda/errors.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import { runs } from '../../../support/runs.ts'
import { record } from './records.fixture.ts'
import { ScriptedStream } from './scripted-stream.ts'
import { checkpointFile, consume, crash, ok, SHARD } from './shard.fixture.ts'

type Fault = 'none' | 'throw' | 'throttle' | 'partial' | 'first'

/** One way in which a shard's life can go. */
const life = fc.record({
  items: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }),
  poison: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
  filtered: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
  factors: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
  batchSize: fc.integer({ min: 1, max: 8 }),
  windowSeconds: fc.constantFrom(0, 0, 1),
  bisectOnError: fc.boolean(),
  maximumRetryAttempts: fc.integer({ min: 0, max: 3 }),
  room: fc.integer({ min: 1, max: 30 }),
  faults: fc.array(fc.constantFrom<Fault>('none', 'none', 'throw', 'throttle', 'partial', 'first'), {
    maxLength: 40,
  }),
  /** Turns of the event loop that an invocation takes. */
  durations: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 10 }),
  /** Invocations, counted over the whole life, in whose middle the runtime crashes. */
  crashes: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
})

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const numberOf = (one: StreamRecord): number => Number(one.dynamodb.SequenceNumber)
const report = (one: StreamRecord | undefined): Outcome => ({
  ok: true,
  payload: JSON.stringify({ batchItemFailures: [{ itemIdentifier: one?.dynamodb.SequenceNumber }] }),
})

describe('a shard with failures, crashes and resumes', () => {
  test.prop([life], runs(150))(
    'skips no record, keeps the order of each item, and never has one item in two batches at once',
    async (script) => {
      const { file, remove } = await checkpointFile()
      const crashed = `${file}.crashed`
      const stream = new ScriptedStream()
      stream.shard(SHARD, [], { closed: true })
      const itemOf = (n: number): string => `item-${script.items[n - 1]}`
      const all = script.items.map((_, index) => index + 1)
      const wanted = all.filter((n) => !script.filtered.includes(n))
      for (const n of all) {
        const one = record(n, itemOf(n))
        stream.put(SHARD, wanted.includes(n) ? one : { ...one, eventName: 'REMOVE' })
      }

      /** Processed, or given up. */
      const done = new Set<number>()
      const busy = new Set<string>()
      let invocations = 0
      const problems: string[] = []
      const expectInOrder = (batch: readonly number[]): void => {
        for (const [at, n] of batch.entries()) {
          const earlier = wanted.filter((other) => other < n && itemOf(other) === itemOf(n))
          const missing = earlier.find((other) => !done.has(other) && !batch.slice(0, at).includes(other))
          if (missing !== undefined) problems.push(`${n} came before ${missing}, of the same item`)
        }
      }

      const run = async (factor: number): Promise<boolean> => {
        const stop = new AbortController()
        let crashing = false
        const invoke = async (records: readonly StreamRecord[]): Promise<Outcome> => {
          const batch = records.map(numberOf)
          const items = new Set(batch.map(itemOf))
          expectInOrder(batch)
          for (const item of items) if (busy.has(item)) problems.push(`${item} is in two batches at once`)
          for (const item of items) busy.add(item)
          try {
            const number = ++invocations
            const turns = script.durations[number % script.durations.length] ?? 0
            for (let i = 0; i < turns; i++) await turn()
            if (crashing) return crash
            if (script.crashes.includes(number)) {
              // Long enough for a checkpoint that was being written to be in the file.
              await new Promise((resolve) => setTimeout(resolve, 5))
              crashing = true
              // What a crash leaves is the file as it is now; what the run still writes while it ends is undone.
              if (existsSync(file)) copyFileSync(file, crashed)
              const position = Number(JSON.parse(readFileSync(file, 'utf8')).shards[SHARD]?.after ?? 0)
              const skipped = wanted.filter((n) => n <= position && !done.has(n))
              if (skipped.length > 0) problems.push(`the checkpoint ${position} is past ${skipped}`)
              stop.abort()
              return crash
            }
            const fault = script.faults[number - 1] ?? 'none'
            if (fault === 'throttle') throw new InvokeError('lambda.throttled', 'Rate Exceeded')
            if (fault === 'throw') return crash
            const bad = records.findIndex((one) => script.poison.includes(numberOf(one)))
            const chosen = fault === 'first' ? 0 : fault === 'partial' ? batch.length - 1 : batch.length
            const end = bad < 0 ? chosen : Math.min(bad, chosen)
            for (const n of batch.slice(0, end)) done.add(n)
            return end === batch.length ? ok : report(records[end])
          } finally {
            for (const item of items) busy.delete(item)
          }
        }
        await consume({
          file,
          stream,
          settings: {
            batchSize: script.batchSize,
            windowSeconds: script.windowSeconds,
            bisectOnError: script.bisectOnError,
            maximumRetryAttempts: script.maximumRetryAttempts,
            parallelizationFactor: factor,
            filters: [{ eventName: ['INSERT'] }],
          },
          limits: { records: script.room, bytes: 1e9, sinceCheckpoint: script.room + 10 },
          invoke,
          discard: ({ records }) => {
            for (const n of records.map(numberOf)) if (!crashing) done.add(n)
          },
          signal: stop.signal,
        })
        if (!crashing) return true
        if (existsSync(crashed)) copyFileSync(crashed, file)
        rmSync(crashed, { force: true })
        return false
      }

      try {
        writeFileSync(file, JSON.stringify({ streamArn: 'another', startedAt: 0, shards: {} }))
        for (let turn = 0; ; turn++) {
          if (await run(script.factors[turn % script.factors.length] ?? 1)) break
        }
        expect(problems).toEqual([])
        expect(wanted.filter((n) => !done.has(n))).toEqual([])
        const { shards } = JSON.parse(readFileSync(file, 'utf8'))
        expect(shards[SHARD]).toEqual({ after: String(all.length), finished: true })
      } finally {
        await remove()
      }
    },
  )
})
