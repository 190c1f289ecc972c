import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import {
  awaitedKey,
  dueKey,
  formerHeadKey,
  formerWaitingKey,
  headKey,
  markKey,
  type PrimaryKey,
  payloadKey,
  resolvedKey,
  waitingKey,
} from '../../../../functions/bridge/parking/keys.ts'

const text = ({ pk, sk }: PrimaryKey): string => JSON.stringify([pk.S, sk.S])

/** Names with everything that has a meaning in the keys, and some that are too long for one. */
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('#', '*', '%', '2', '3', 'A', 'a', 'é', '👩‍🍳'), maxLength: 6 }),
  fc.constantFrom(
    '*',
    '%2A',
    'sha256:',
    '',
    'x'.repeat(1024),
    'x'.repeat(1025),
    '👩'.repeat(255),
    '\ud800',
    '\udfff',
    '�',
  ),
)
const SINCE = '2026-11-22T10:00:00.000Z'
const wait = fc.record({ entity: name, key: name }, { requiredKeys: ['entity'] })

describe('the primary keys of the parking table', () => {
  test.prop([name, name, name, name])(
    'tell heads, marks and payloads of different changes apart',
    (a, b, c, d) => {
      for (const make of [headKey, markKey, (e: string, k: string) => payloadKey(e, k, '1#r', 0)])
        expect(text(make(a, b)) === text(make(c, d))).toBe(a === c && b === d)
    },
  )

  test.prop([wait, name, name, wait, name, name])('tell waits apart', (on, a, b, other, c, d) => {
    const same = on.entity === other.entity && on.key === other.key && a === c && b === d
    expect(text(waitingKey(on, a, b, SINCE)) === text(waitingKey(other, c, d, SINCE))).toBe(same)
  })

  test.prop([name, name, wait])('are within what DynamoDB takes', (entity, key, on) => {
    const lastSeen = SINCE
    const revision = '01a2017f-4a00-7ab9-8680-5c18d23b0b20'
    for (const { pk, sk } of [
      headKey(entity, key),
      markKey(entity, key),
      payloadKey(entity, key, `${'9'.repeat(50)}#${revision}`, 999),
      waitingKey(on, entity, key, lastSeen),
      awaitedKey(on),
      dueKey(entity, key, lastSeen),
      formerHeadKey(entity, key),
      formerWaitingKey(on, entity, key),
      resolvedKey(entity, key, lastSeen, revision),
    ]) {
      expect(Buffer.byteLength(pk.S)).toBeLessThanOrEqual(2048)
      expect(Buffer.byteLength(sk.S)).toBeLessThanOrEqual(1024)
      expect(sk.S).not.toBe('')
    }
  })

  it('show a key as it is where it fits, as 255 characters of four bytes do', () => {
    expect(headKey('chef', '👩'.repeat(255))).toEqual({
      pk: { S: expect.stringMatching(/^parked#chef#(\d|1[0-5])$/) },
      sk: { S: '👩'.repeat(255) },
    })
    expect(waitingKey({ entity: 'chef', key: '1' }, 'recipe', '7', SINCE)).toEqual({
      pk: { S: 'waiting#chef#1' },
      sk: { S: 'recipe#7' },
    })
    expect(waitingKey({ entity: 'chef' }, 'recipe', '7', SINCE)).toEqual({
      pk: { S: expect.stringMatching(/^waiting#chef#\*[0-3]$/) },
      sk: { S: `${SINCE}#recipe#7` },
    })
  })

  it('spread the heads of an entity, and what waits for any of one, over many partitions', () => {
    const keys = Array.from({ length: 4_000 }, (_, n) => `key-${n}`)
    const counts = (make: (key: string) => PrimaryKey): number[] => {
      const found = new Map<string, number>()
      for (const key of keys) found.set(make(key).pk.S, (found.get(make(key).pk.S) ?? 0) + 1)
      return [...found.values()]
    }
    for (const [partitions, make] of [
      [16, (key: string) => headKey('chef', key)],
      [4, (key: string) => waitingKey({ entity: 'chef' }, 'recipe', key, SINCE)],
      [4, (key: string) => dueKey('chef', key, SINCE)],
    ] as const) {
      const fair = keys.length / partitions
      expect(counts(make)).toHaveLength(partitions)
      expect(Math.max(...counts(make))).toBeLessThan(1.5 * fair)
    }
  })
})
