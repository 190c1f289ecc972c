import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import { InvokeError } from '../../../../infra/local/lambda/errors.ts'
import { type DeliveryPorts, type Discard, deliver } from '../../../../infra/local/streams/deliver.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import { record, sequencesOf } from './records.fixture.ts'
import { FakeClock, settings } from './settings.fixture.ts'

type Handler = (records: readonly StreamRecord[]) => unknown

const crash = { ok: false, error: { errorType: 'Error', errorMessage: 'boom' } } as const
const report = (...ids: unknown[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
})

/** Everything that a delivery does, in order. */
const scripted = (handler: Handler, clock = new FakeClock()) => {
  const invocations: string[][] = []
  const checkpoints: string[] = []
  const lines: string[] = []
  const discards: (Omit<Discard, 'records'> & { records: string[] })[] = []
  const ports: DeliveryPorts = {
    clock,
    random: () => 0,
    newRequestId: () => `request-${invocations.length + 1}`,
    invoke: async (records): Promise<Outcome> => {
      invocations.push(sequencesOf(records))
      const answer = handler(records)
      return answer === crash ? crash : { ok: true, payload: JSON.stringify(answer ?? null) }
    },
    discard: async (discard) => {
      discards.push({ ...discard, records: sequencesOf(discard.records) })
    },
    checkpoint: async (one) => {
      checkpoints.push(one.dynamodb.SequenceNumber)
    },
    log: (line) => void lines.push(line),
  }
  return { ports, clock, invocations, checkpoints, discards, lines }
}

const batch = (count: number): StreamRecord[] => Array.from({ length: count }, (_, i) => record(i + 1))
const never = new AbortController().signal
/** Fails at the first record whose number is bad, the way a function that stops there reports it. */
const stopsAt =
  (...bad: string[]): Handler =>
  (records) => {
    const first = sequencesOf(records).find((id) => bad.includes(id))
    return first === undefined ? null : report(first)
  }

describe('deliver', () => {
  it('checkpoints a whole batch once it is processed', async () => {
    const run = scripted(() => null)

    expect(await deliver(batch(3), settings(), run.ports, never)).toBe(true)

    expect(run.invocations).toEqual([['1', '2', '3']])
    expect(run.checkpoints).toEqual(['3'])
  })

  it('rewinds to the lowest reported record: it and all after it come again', async () => {
    let calls = 0
    const run = scripted(() => (++calls === 1 ? report('4', '2') : null))

    await deliver(batch(4), settings(), run.ports, never)

    expect(run.invocations).toEqual([
      ['1', '2', '3', '4'],
      ['2', '3', '4'],
    ])
    expect(run.checkpoints).toEqual(['1', '4'])
  })

  it.each([0, 1, 3])('invokes %i + 1 times before it gives up', async (retries) => {
    const run = scripted(() => crash)

    await deliver(batch(2), settings({ maximumRetryAttempts: retries }), run.ports, never)

    expect(run.invocations).toHaveLength(retries + 1)
    expect(run.discards).toMatchObject([
      {
        condition: 'RetryAttemptsExhausted',
        records: ['1', '2'],
        invokeCount: retries + 1,
        functionError: 'Unhandled',
      },
    ])
    expect(run.checkpoints).toEqual(['2'])
  })

  it('halves a failed batch without using up retries, until the bad record is alone', async () => {
    const run = scripted((records) => (sequencesOf(records).includes('3') ? crash : null))

    await deliver(batch(4), settings({ bisectOnError: true, maximumRetryAttempts: 1 }), run.ports, never)

    expect(run.invocations).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['3'], ['3'], ['4']])
    expect(run.discards).toMatchObject([{ records: ['3'], invokeCount: 2 }])
    expect(run.checkpoints).toEqual(['2', '3', '4'])
  })

  it('exhausts a record that is always reported, alone, although each answer is a 200', async () => {
    const run = scripted(stopsAt('2'))

    await deliver(batch(4), settings({ bisectOnError: true, maximumRetryAttempts: 2 }), run.ports, never)

    expect(run.discards).toMatchObject([{ records: ['2'], invokeCount: 3, functionError: null }])
    expect(run.checkpoints.at(-1)).toBe('4')
  })

  it('counts the answer that first reports a record as its first attempt', async () => {
    const run = scripted(stopsAt('2'))

    await deliver(batch(2), settings({ maximumRetryAttempts: 2 }), run.ports, never)

    expect(run.invocations).toEqual([['1', '2'], ['2'], ['2']])
  })

  it('counts an answer that makes no progress, also without bisecting', async () => {
    const run = scripted(stopsAt('1'))

    await deliver(batch(2), settings({ maximumRetryAttempts: 2 }), run.ports, never)

    expect(run.invocations).toHaveLength(3)
    expect(run.discards).toMatchObject([{ records: ['1', '2'], invokeCount: 3, functionError: null }])
  })

  it('does not count a throttle, and only the age of its records ends it', async () => {
    const clock = new FakeClock(1_000_000)
    const run = scripted(() => null, clock)
    let throttles = 0
    const invoke: DeliveryPorts['invoke'] = async () => {
      throttles++
      throw new InvokeError('lambda.throttled', 'Rate Exceeded')
    }

    await deliver(
      [record(1, 'a', 1_000)],
      settings({ maximumRetryAttempts: 0, maximumRecordAgeSeconds: 60 }),
      { ...run.ports, invoke },
      never,
    )

    expect(throttles).toBeGreaterThan(5)
    expect(run.discards).toMatchObject([{ condition: 'RecordAgeExceeded', records: ['1'] }])
    expect(clock.now()).toBeGreaterThan(1_060_000)
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(10_000)
  })

  it('discards only the records that are too old', async () => {
    const run = scripted(() => null, new FakeClock(1_100_000))

    await deliver(
      [record(1, 'a', 1_000), record(2, 'b', 1_090)],
      settings({ maximumRecordAgeSeconds: 60 }),
      run.ports,
      never,
    )

    expect(run.discards).toMatchObject([{ condition: 'RecordAgeExceeded', records: ['1'] }])
    expect(run.invocations).toEqual([['2']])
    expect(run.checkpoints).toEqual(['1', '2'])
  })

  it('loses what the stream no longer has, says so, and gives it up nowhere', async () => {
    const clock = new FakeClock(1_010_000)
    const run = scripted(() => null, clock)

    await deliver(
      [record(1, 'a', 1_000), record(2, 'b', 1_008)],
      settings({ retentionSeconds: 5, maximumRecordAgeSeconds: 60 }),
      run.ports,
      never,
    )

    expect(run.invocations).toEqual([['2']])
    expect(run.discards).toEqual([])
    expect(run.checkpoints).toEqual(['1', '2'])
    expect(run.lines).toEqual([expect.stringMatching(/^GAP: 1 record\(s\) left the stream/)])
  })

  it('ends its repeats when the stream no longer has the record', async () => {
    const run = scripted(() => crash, new FakeClock(1_000_000))
    await deliver([record(1, 'a', 1_000)], settings({ retentionSeconds: 30 }), run.ports, never)

    expect(run.invocations.length).toBeGreaterThan(2)
    expect([run.discards, run.checkpoints]).toEqual([[], ['1']])
  })

  it('leaves the checkpoint alone when it is stopped in mid-batch', async () => {
    const stop = new AbortController()
    const run = scripted(() => {
      stop.abort()
      return crash
    })

    expect(await deliver(batch(2), settings({ maximumRetryAttempts: 0 }), run.ports, stop.signal)).toBe(false)

    expect(run.checkpoints).toEqual([])
    expect(run.discards).toEqual([])
  })

  test.prop([
    fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 0, max: 3 }),
    fc.boolean(),
  ])(
    'with bisecting, exactly the bad records are given up, and in order',
    async (bad, size, retries, throws) => {
      const ids = bad.map(String)
      const processed = new Set<string>()
      const run = scripted((records) => {
        const failing = stopsAt(...ids)(records)
        for (const id of sequencesOf(records)) {
          if (ids.includes(id)) break
          processed.add(id)
        }
        return failing === null ? null : throws ? crash : failing
      })

      await deliver(
        batch(size),
        settings({ bisectOnError: true, maximumRetryAttempts: retries }),
        run.ports,
        never,
      )

      const all = sequencesOf(batch(size))
      expect(run.discards.flatMap(({ records }) => records)).toEqual(all.filter((id) => ids.includes(id)))
      expect([...processed].sort()).toEqual(all.filter((id) => !ids.includes(id)).sort())
      expect(run.checkpoints.map(Number)).toEqual(run.checkpoints.map(Number).toSorted((a, b) => a - b))
      expect(run.checkpoints.at(-1)).toBe(String(size))
    },
  )
})
