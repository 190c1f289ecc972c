import { expect, it } from '@jest/globals'
import { patienceOf } from '../../../../functions/bridge/migrations/patience.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'

/** Of a lock whose owner died, in milliseconds. */
const LEASE = 120_000

const within = (milliseconds: number): Deadline => {
  const deadline = new Deadline()
  deadline.within(milliseconds)
  return deadline
}

it('a deployment waits out the lease of a run that died, and keeps a minute for its own work', () => {
  const patience = patienceOf('deployment', within(300_000))

  expect(patience).toBeGreaterThan(LEASE)
  expect(patience).toBeLessThanOrEqual(240_000)
})

it('a deployment that has less time than that waits for nobody', () => {
  expect(patienceOf('deployment', within(30_000))).toBe(0)
})

it('a request of a client is answered in time', () => {
  expect(patienceOf('request', within(300_000))).toBe(10_000)
})
