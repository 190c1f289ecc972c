import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readLifts, recordLift } from '../../../../functions/bridge/aurora/lifts.ts'
import { readOwners, recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { until } from '../../../support/until.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('the last lift of an entity', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [] })
  })
  afterAll(() => aurora.close())

  it('is known by its time, and the later one counts', async () => {
    expect((await readLifts(aurora.db)).size).toBe(0)
    await recordLift(aurora.db, { name: 'chef' })
    const first = (await readLifts(aurora.db)).get('chef')
    expect(first).toMatch(ISO)
    await until('a later lift', 10_000, async () => {
      await recordLift(aurora.db, { name: 'chef' })
      return (await readLifts(aurora.db)).get('chef') !== first
    })
  })

  it('says nothing of whose its keys are', async () => {
    await recordLift(aurora.db, { name: 'dish' })
    expect((await readOwners(aurora.db)).has('dish')).toBe(false)
    await recordOwners(aurora.db, { name: 'dish' })
    expect([...(await readLifts(aurora.db)).keys()].toSorted()).toEqual(['chef', 'dish'])
  })
})

describe('since when owners are known', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [] })
  })
  afterAll(() => aurora.close())

  it('is told to the millisecond', async () => {
    await aurora.legacy.query(
      "INSERT INTO backsync_owners (entity, since) VALUES ('chef', '2026-11-20 10:00:00.789')",
    )
    expect((await readOwners(aurora.db)).get('chef')).toBe('2026-11-20T10:00:00.789Z')
  })
})
