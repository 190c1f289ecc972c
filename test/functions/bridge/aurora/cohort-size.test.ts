import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { countCohorts } from '../../../../functions/bridge/aurora/cohort-size.ts'
import { partOf } from '../../../../functions/bridge/model/cohort.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { PLATES, plateOf } from '../../fixtures/plate.ts'

describe('how many keys are in a share', () => {
  let aurora: TestAurora
  const codes = Array.from({ length: 60 }, (_, at) => `plate é ${at}`)
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['chef', 'plate'] })
    await aurora.legacy.query(PLATES)
    await aurora.legacy.query('INSERT INTO plates (code, title) VALUES ?', [codes.map((code) => [code, 'x'])])
    await aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'b'), ('c', 'd')")
    await aurora.legacy.query("UPDATE cheftable SET backsync_key = 'own-key' WHERE id = 2")
  })
  afterAll(() => aurora.close())

  const among = (keys: readonly string[], from: number, to: number): number =>
    keys.filter((key) => partOf('s', key) >= from && partOf('s', key) < to).length

  it.each([
    [0, 5000],
    [5000, 0],
    [2000, 2000],
    [1000, 9000],
  ])('is counted by the very keys, between %i and %i parts', async (from, to) => {
    const [less, more] = [Math.min(from, to), Math.max(from, to)]
    expect(await countCohorts(aurora.db, plateOf('row'), 's', [from, to])).toEqual({
      ...{ rows: 60, between: among(codes, less, more), exact: true },
    })
    expect(await countCohorts(aurora.db, chef, 's', [from, to])).toEqual({
      ...{ rows: 2, between: among(['1', 'own-key'], less, more), exact: true },
    })
  })
})
