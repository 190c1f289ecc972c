import { describe, expect, it } from '@jest/globals'
import { comparePlaces, type Place } from '../../../../functions/bridge/ports/place.ts'

describe('the order of two changes of one key', () => {
  it.each<[string, Place, Place]>([
    ['by version', { version: 9n, sequenceNumber: '900' }, { version: 10n, sequenceNumber: '100' }],
    ['by versions beyond 64 bits', { version: 10n ** 39n }, { version: 10n ** 39n + 1n }],
    [
      'by sequence number where one version is unknown',
      { version: 10n, sequenceNumber: '99' },
      { sequenceNumber: '100' },
    ],
    ['the one with a version last where nothing else tells', { sequenceNumber: '5' }, { version: 1n }],
    [
      'and so with a sequence number that is none',
      { sequenceNumber: 'x' },
      { version: 1n, sequenceNumber: '1' },
    ],
  ])('is %s', (_, earlier, later) => {
    expect(Math.sign(comparePlaces(earlier, later))).toBe(-1)
    expect(Math.sign(comparePlaces(later, earlier))).toBe(1)
    expect(comparePlaces(later, later)).toBe(0)
  })

  it('is none for equal versions, whatever record brought them', () => {
    expect(comparePlaces({ version: 3n, sequenceNumber: '1' }, { version: 3n, sequenceNumber: '2' })).toBe(0)
  })
})
