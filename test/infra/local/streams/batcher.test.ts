import { describe, expect, it } from '@jest/globals'
import { BATCH_BYTES, Batcher } from '../../../../infra/local/streams/batcher.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import { record, sequencesOf } from './records.fixture.ts'

const ticket = (one: StreamRecord) => ({ record: one, bytes: Buffer.byteLength(JSON.stringify(one)) + 1 })

describe('Batcher', () => {
  it('is due at once without a window', () => {
    const batcher = new Batcher(10, 0)
    expect(batcher.dueIn(0)).toBe(Number.POSITIVE_INFINITY)
    batcher.add(ticket(record(1)), 0)
    expect(batcher.dueIn(0)).toBe(0)
  })

  it('waits for a full batch, at most for its window', () => {
    const batcher = new Batcher(3, 5)
    batcher.add(ticket(record(1)), 1_000)
    batcher.add(ticket(record(2)), 5_000)
    expect(batcher.dueIn(5_999)).toBe(1)
    expect(batcher.dueIn(6_000)).toBe(0)
    batcher.add(ticket(record(3)), 5_000)
    expect(batcher.dueIn(5_000)).toBe(0)
    expect(sequencesOf(batcher.take(5_000).map((one) => one.record))).toEqual(['1', '2', '3'])
    expect(batcher.dueIn(60_000)).toBe(Number.POSITIVE_INFINITY)
  })

  it('keeps a batch within 6 MiB', () => {
    const batcher = new Batcher(100, 60)
    for (let i = 1; i <= 20; i++) {
      const big = record(i)
      big.dynamodb.NewImage = { text: { S: 'x'.repeat(1_000_000) } }
      batcher.add(ticket(big), 0)
    }

    expect(batcher.dueIn(0)).toBe(0)
    const sizes: number[] = []
    while (batcher.size > 0) {
      const Records = batcher.take(0).map((one) => one.record)
      sizes.push(Buffer.byteLength(JSON.stringify({ Records })))
    }

    expect(sizes).toHaveLength(4)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_BYTES + 64)
  })
})
