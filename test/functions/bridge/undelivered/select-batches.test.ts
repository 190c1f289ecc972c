import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type BatchFilter,
  describeBatches,
  selectBatches,
} from '../../../../functions/bridge/undelivered/select-batches.ts'
import { openTestFailures, type TestFailures } from '../../../support/failures.ts'
import { chefItem, chefRecord } from '../../fixtures/recipe-records.ts'

const T = (minutes: number): Date => new Date(Date.UTC(2026, 10, 22, 10, minutes))
const NOW = T(60)

describe('a selection of batches', () => {
  let failures: TestFailures
  beforeAll(async () => {
    failures = await openTestFailures()
    const give = (name: string, table: string, functionName: string, minutes: number) =>
      failures.give([chefRecord(chefItem(name, 1))], { table, functionName, at: T(minutes) })
    await give('a', 'Chefs', 'BackSync', 0)
    await give('b', 'Chefs', 'TableSync', 10)
    await give('c', 'Recipes', 'BackSync', 20)
    await failures.put('aws/lambda/m/shard/2026/11/22/2026-11-22T10.30.00-strange', 'no json')
  })
  afterAll(() => failures.close())

  const placesOf = async (filter: BatchFilter) => {
    const heads = await failures.undelivered.heads()
    const found = await selectBatches(failures.undelivered, heads, filter, { now: NOW })
    return found.map(({ at }) => new Date(at).getUTCMinutes())
  }

  it.each<[BatchFilter, number[]]>([
    [{}, [0, 10, 20, 30]],
    [{ table: 'Chefs' }, [0, 10]],
    [{ table: 'Chefs', function: 'BackSync' }, [0]],
    [{ function: 'BackSync' }, [0, 20]],
    [{ condition: 'RetryAttemptsExhausted' }, [0, 10, 20]],
    [{ condition: 'RecordAgeExceeded' }, []],
    [{ olderThan: 45 * 60_000 }, [0, 10]],
    [{ newerThan: 45 * 60_000 }, [20, 30]],
    [{ olderThan: 45 * 60_000, function: 'TableSync' }, [10]],
  ])('by %j, the oldest first', async (filter, minutes) => {
    expect(await placesOf(filter)).toEqual(minutes)
  })

  it('reads no batch where only its age is asked for, and of the others none that is too old', async () => {
    const heads = await failures.undelivered.heads()
    let read = 0
    const counting = {
      read: (head: (typeof heads)[number]) => {
        read++
        return failures.undelivered.read(head)
      },
    }
    await selectBatches(counting, heads, { olderThan: 0 }, { now: NOW })
    expect(read).toBe(0)
    await selectBatches(counting, heads, { olderThan: 45 * 60_000, table: 'Chefs' }, { now: NOW })
    expect(read).toBe(2)
  })

  it('is summed up without reading any: how many there are, and since when', async () => {
    const { undelivered } = failures
    const oldest = T(0).toISOString()
    expect(await undelivered.summary(1_000)).toEqual({ batches: 4, complete: true, oldest })
    expect(await undelivered.summary(1)).toMatchObject({ complete: false, oldest })
  })

  it('tells of one that can not be read why, and leaves out one that has ended meanwhile', async () => {
    const heads = await failures.undelivered.heads()
    const gone = { ...heads[0], id: 'gone', key: 'aws/lambda/gone', at: T(0).toISOString(), bytes: 1 }
    const described = []
    for await (const page of describeBatches(failures.undelivered, [gone, ...heads], {}, { now: NOW }))
      described.push(...page)
    expect(described).toHaveLength(4)
    expect(described[0]).toMatchObject({ table: 'Chefs', function: 'BackSync', records: 1, invocations: 11 })
    expect(described[3]).toMatchObject({ unreadable: expect.stringContaining('no batch of stream records') })
  })
})
