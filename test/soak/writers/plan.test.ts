import { describe, expect, it } from '@jest/globals'
import { Random } from '../random.ts'
import { type PlannedWrite, planWrites } from './plan.ts'

const steps = (seed: number): PlannedWrite[] => {
  const schedule = planWrites(new Random(String(seed)), seed)
  return Array.from({ length: 400 }, () => schedule.next().value)
}

describe('the schedule of the writers', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(steps(5)).toEqual(steps(5))
    expect(steps(5).map(({ kind }) => kind)).not.toEqual(steps(6).map(({ kind }) => kind))
  })

  it('holds every kind of write, of parent and of poison', () => {
    const all = [...steps(5), ...steps(6), ...steps(7)]
    const flavours = all.flatMap(({ raw }) => raw.map(({ flavour }) => flavour))

    expect(new Set(all.map(({ kind }) => kind)).size).toBe(7)
    expect(new Set(all.map(({ parent }) => parent)).size).toBe(4)
    expect(new Set(flavours).size).toBe(10)
  })
})
