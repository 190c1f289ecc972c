import { describe, expect, it } from '@jest/globals'
import { BATCH_BYTES, Batcher } from '../../../../infra/local/streams/batcher.ts'
import { record, sequencesOf } from './records.fixture.ts'

describe('Batcher', () => {
  it('is due at once without a window', () => {
    const batcher = new Batcher(10, 0)
    expect(batcher.due(0)).toBe(false)
    batcher.add(record(1), 0)
    expect(batcher.due(0)).toBe(true)
  })

  it('waits for a full batch, at most for its window', () => {
    const batcher = new Batcher(3, 5)
    batcher.add(record(1), 1_000)
    batcher.add(record(2), 5_000)
    expect(batcher.due(5_999)).toBe(false)
    expect(batcher.due(6_000)).toBe(true)
    batcher.add(record(3), 5_000)
    expect(batcher.due(5_000)).toBe(true)
    expect(sequencesOf(batcher.take(5_000))).toEqual(['1', '2', '3'])
    expect(batcher.due(60_000)).toBe(false)
  })

  it('keeps a batch within 6 MiB', () => {
    const batcher = new Batcher(100, 60)
    for (let i = 1; i <= 20; i++) {
      const big = record(i)
      big.dynamodb.NewImage = { text: { S: 'x'.repeat(1_000_000) } }
      batcher.add(big, 0)
    }

    expect(batcher.due(0)).toBe(true)
    const sizes: number[] = []
    while (batcher.size > 0) sizes.push(Buffer.byteLength(JSON.stringify({ Records: batcher.take(0) })))

    expect(sizes).toHaveLength(4)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_BYTES + 64)
  })
})
