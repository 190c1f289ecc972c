import { describe, expect, it } from '@jest/globals'
import { worstLag } from '../../../../functions/bridge/jobs/worst-lag.ts'

describe('the lag by which a fill is held back', () => {
  it.each([
    ['the relay’s, where no stream is watched', 700, undefined, 700],
    ['the stream’s, when a minute is new', undefined, { value: 900, isNew: true }, 900],
    ['not known, until the stream’s next minute', undefined, { value: 900, isNew: false }, undefined],
    ['the larger one', 700, { value: 900, isNew: true }, 900],
    ['the relay’s, where that is later than the stream was', 1_200, { value: 900, isNew: false }, 1_200],
    ['not known, while the stream was later than the relay is', 700, { value: 900, isNew: false }, undefined],
    ['not known, where nobody can tell', undefined, undefined, undefined],
  ])('is %s', (_, relay, stream, expected) => {
    expect(worstLag(relay, stream)).toBe(expected)
  })
})
