import { describe, expect, it } from '@jest/globals'
import { readOutcome } from '../../../../infra/local/streams/outcome.ts'
import { record } from './records.fixture.ts'

const batch = [
  record('800000000003126276362'),
  record('800000000003126276363'),
  record('900000000000000000000'),
]
const read = (answer: unknown) =>
  readOutcome({ ok: true, payload: JSON.stringify(answer) ?? 'null' }, batch, true)

describe('readOutcome', () => {
  it.each([
    ['null', null],
    ['an empty object', {}],
    ['an empty list', []],
    ['no failures', { batchItemFailures: [] }],
    ['null failures', { batchItemFailures: null }],
    ['another member only', { state: 1 }],
  ])('takes %s for success', (_, answer) => {
    expect(read(answer)).toEqual({ type: 'done' })
  })

  it('rewinds to the lowest identifier, whatever the order', () => {
    const ids = ['900000000000000000000', '800000000003126276363', '900000000000000000000']
    const answer = { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }
    expect(read(answer)).toEqual({ type: 'partial', index: 1 })
  })

  it.each([
    ['empty', { itemIdentifier: '' }],
    ['null', { itemIdentifier: null }],
    ['a number', { itemIdentifier: 123 }],
    ['foreign', { itemIdentifier: '1' }],
    ['misnamed', { itemId: '900000000000000000000' }],
  ])('fails the whole batch when an identifier is %s', (_, failure) => {
    const good = { itemIdentifier: '900000000000000000000' }
    expect(read({ batchItemFailures: [good, failure] })).toMatchObject({
      type: 'failed',
      functionError: null,
    })
  })

  it.each(['text', 7, { batchItemFailures: 'x' }])('fails the whole batch for the answer %j', (answer) => {
    expect(read(answer)).toMatchObject({ type: 'failed' })
  })

  it('ignores the report of a mapping that does not ask for one', () => {
    const payload = JSON.stringify({ batchItemFailures: [{ itemIdentifier: '' }] })
    expect(readOutcome({ ok: true, payload }, batch, false)).toEqual({ type: 'done' })
  })

  it('fails for an error of the function', () => {
    const error = { errorType: 'Error', errorMessage: 'boom' }
    expect(readOutcome({ ok: false, error }, batch, false)).toMatchObject({
      type: 'failed',
      functionError: 'Unhandled',
    })
  })
})
