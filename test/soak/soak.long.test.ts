import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { type Ground, openGround } from './ground.ts'
import { differenceText, reasonsOf } from './report.ts'
import { runSoak, type SoakOptions } from './run.ts'

describe('the stack under writes and faults', () => {
  let folder: TemporaryFolder
  let ground: Ground
  beforeAll(async () => {
    folder = await makeFolder()
    ground = await openGround({ home: folder.path, parallelizationFactor: 2 })
  }, 150_000)
  afterEach(() => {
    ground.guard(true)
    ground.proxy.swallow(undefined)
  })
  afterAll(async () => {
    await ground?.close()
    await folder.remove()
  }, 60_000)

  const short: Omit<SoakOptions, 'seed'> = { rate: 40, time: 4_000, pause: 50, touchedOnly: true }

  it('holds the same in both stores after each fault, or says what is parked', async () => {
    const result = await runSoak(ground, { ...short, seed: 11, time: 150_000, untilEachFault: true })

    expect(result.divergences.map(differenceText)).toEqual([])
    expect(result.missingFaults).toEqual([])
    expect(reasonsOf(result)).toEqual([])
    expect(result.keys).toBeGreaterThan(50)
    // Poison and missing parents are written, so something must be parked: the comparison's excuse is in use.
    expect(Object.values(result.parked).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  }, 240_000)

  it('is seen to diverge when parking drops what it is given', async () => {
    ground.proxy.swallow(ground.parkingTable)

    const result = await runSoak(ground, { ...short, seed: 12 })

    expect(result.divergences).not.toEqual([])
    expect(result.parked).toEqual({})
  }, 120_000)

  it('is seen to diverge when the statements have no guard', async () => {
    ground.guard(false)

    const result = await runSoak(ground, { ...short, seed: 11 })

    expect(result.divergences).not.toEqual([])
    expect(result.divergences.some(({ parked }) => parked === undefined)).toBe(true)
  }, 120_000)
})
