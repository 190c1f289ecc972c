import { expect, it } from '@jest/globals'
import { iteratorAge } from '../../../../infra/local/streams/iterator-age.ts'
import { record } from './records.fixture.ts'

const of = { mapping: 'Mapping', functionName: 'BackSync' }

it('is the age of the last record of the batch, and never negative', () => {
  const batch = [record(1, 'a', 1_000), record(2, 'b', 1_003)]

  expect(iteratorAge(of, batch, 1_005_500)).toEqual({
    service: 'event-source-mapping',
    entity: 'Mapping',
    functionName: 'BackSync',
    name: 'IteratorAge',
    unit: 'Milliseconds',
    values: [2_500],
  })
  expect(iteratorAge(of, batch, 1_002_000).values).toEqual([0])
})
