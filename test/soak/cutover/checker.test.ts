import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { runs } from '../../support/runs.ts'
import { check } from './checker.ts'
import type { Answered, Asked, Operation } from './history.ts'

/** What was asked and answered of one key, each between two moments. Without an answer: nobody knows what became of it. */
type Line = readonly [from: number, until: number | undefined, asked: Asked, answer?: Answered, key?: string]

const historyOf = (lines: readonly Line[]): Operation[] =>
  lines.map(([from, until, asked, answer, key = 'plate a']) => ({
    ...{ key, asked, from, by: 'client' },
    ...(answer !== undefined && until !== undefined && { until, answer }),
  }))
const isTrue = (lines: readonly Line[]): boolean => check(historyOf(lines)).findings.length === 0

const read: Asked = { do: 'read' }
const create = (value: string, once?: string): Asked => ({
  do: 'create',
  value,
  ...(once !== undefined && { once }),
})
const make = (value: string): Asked => ({ do: 'make', value })
const replace = (value: string, ifMatch?: number): Asked => ({
  ...{ do: 'replace', value },
  ...(ifMatch !== undefined && { ifMatch }),
})
const remove = (ifMatch?: number): Asked => ({ do: 'delete', ...(ifMatch !== undefined && { ifMatch }) })
const found = (value: string, version: number): Answered => ({ is: 'found', value, version })
const absent: Answered = { is: 'absent' }
const stale: Answered = { is: 'stale' }
const exists: Answered = { is: 'exists' }
const done = (version?: number, created?: boolean): Answered => ({
  is: 'done',
  ...(version !== undefined && { version }),
  ...(created !== undefined && { created }),
})

/** A plate that is there, at version 1. */
const A: Line = [0, 1, create('a'), done(1)]

/** What can't have been, and the same with what makes it possible. */
const twins: Readonly<Record<string, readonly [falsified: readonly Line[], real: readonly Line[]]>> = {
  'a lost update': [
    [A, [2, 3, replace('b'), done(2)], [4, 5, read, found('a', 1)]],
    [A, [2, 3, replace('b'), done(2)], [4, 5, read, found('b', 2)]],
  ],
  'an update that another one undoes unseen': [
    [A, [2, 3, replace('b', 1), done(2)], [2, 3, replace('c', 1), done(3)]],
    [A, [2, 3, replace('b', 1), done(2)], [2, 3, replace('c', 1), stale]],
  ],
  'a read that is older than one before it': [
    [A, [2, 9, replace('b'), done(2)], [3, 4, read, found('b', 2)], [5, 6, read, found('a', 1)]],
    [A, [2, 9, replace('b'), done(2)], [3, 4, read, found('a', 1)], [5, 6, read, found('b', 2)]],
  ],
  'a delete that comes back to life': [
    [A, [2, 3, remove(), done()], [4, 5, read, found('a', 1)]],
    [A, [2, 5, remove(), done()], [4, 5, read, found('a', 1)]],
  ],
  'a deleted key that an old write brings back': [
    [A, [2, 3, replace('b'), done(2)], [4, 5, remove(), done()], [6, 7, read, found('b', 2)]],
    [
      A,
      [2, 3, replace('b'), done(2)],
      [4, 5, remove(), done()],
      [6, 7, make('b2'), done(4, true)],
      [8, 9, read, found('b2', 4)],
    ],
  ],
  'a create with its key repeated that makes a second one': [
    [
      [0, 1, create('a', 'k'), done(1), 'chef 1'],
      [2, 3, create('a', 'k'), done(1), 'chef 2'],
    ],
    [
      [0, 1, create('a', 'k'), done(1), 'chef 1'],
      [2, 3, create('a', 'k'), done(1), 'chef 1'],
    ],
  ],
  'a create with its key repeated that answers anew': [
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, replace('b'), done(2)],
      [4, 5, create('a', 'k'), done(3)],
    ],
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, replace('b'), done(2)],
      [4, 5, create('a', 'k'), done(1)],
    ],
  ],
  'a create with its key repeated that writes over what came since': [
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, replace('b'), done(2)],
      [4, 5, create('a', 'k'), done(1)],
      [6, 7, read, found('a', 1)],
    ],
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, replace('b'), done(2)],
      [4, 5, create('a', 'k'), done(1)],
      [6, 7, read, found('b', 2)],
    ],
  ],
  'a create with its key repeated that makes again what was deleted': [
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, remove(), done()],
      [4, 5, create('a', 'k'), done(1)],
      [6, 7, read, found('a', 1)],
    ],
    [
      [0, 1, create('a', 'k'), done(1)],
      [2, 3, remove(), done()],
      [4, 5, create('a', 'k'), done(1)],
      [6, 7, read, absent],
    ],
  ],
  'a 404 of what is there': [
    [A, [2, 3, read, absent]],
    [A, [2, 9, remove(), done()], [2, 3, read, absent]],
  ],
  'a 404 of a write of what is there': [
    [A, [2, 3, replace('b'), absent]],
    [
      [2, 3, replace('b'), absent],
      [4, 5, create('a'), done(1)],
    ],
  ],
  'a 404 of a delete of what is there': [
    [A, [2, 3, remove(), absent]],
    [A, [2, 3, remove(), done()], [4, 5, remove(), absent]],
  ],
  'an answer of a facade that was frozen meanwhile': [
    // It began before the write and answered behind the read of it: what it answers may be old, but not older than its call.
    [A, [2, 3, replace('b'), done(2)], [4, 90, read, found('a', 1)]],
    [A, [2, 3, replace('b'), done(2)], [1, 90, read, found('a', 1)]],
  ],
  'a write of a facade that was frozen, over what was written since': [
    [
      A,
      [2, 90, replace('z', 1), done(2)],
      [3, 4, replace('b'), done(2)],
      [5, 6, read, found('b', 2)],
      [91, 92, read, found('z', 2)],
    ],
    [
      A,
      [2, 90, replace('z', 1), stale],
      [3, 4, replace('b'), done(2)],
      [5, 6, read, found('b', 2)],
      [91, 92, read, found('b', 2)],
    ],
  ],
  'a write without an answer that lands over a version it did not ask for': [
    [A, [2, undefined, replace('z', 1)], [3, 4, replace('b'), done(2)], [5, 6, read, found('z', 3)]],
    [A, [2, undefined, replace('z')], [3, 4, replace('b'), done(2)], [5, 6, read, found('z', 3)]],
  ],
  'a write without an answer that is there, gone, and there again': [
    [
      A,
      [2, undefined, replace('z')],
      [3, 4, read, found('z', 2)],
      [5, 6, replace('b'), done(3)],
      [7, 8, read, found('z', 4)],
    ],
    [
      A,
      [2, undefined, replace('z')],
      [3, 4, read, found('z', 2)],
      [5, 6, replace('b'), done(3)],
      [7, 8, read, found('b', 3)],
    ],
  ],
  'two creates of one key, both 201': [
    [
      [0, 5, create('a'), done(1)],
      [0, 5, create('b'), done(1)],
    ],
    [
      [0, 5, create('a'), done(1)],
      [0, 5, create('b'), exists],
    ],
  ],
  'a create of what is there': [
    [A, [2, 3, create('b'), done(2)]],
    [A, [2, 3, create('b'), exists]],
  ],
  'a refusal of a create where nothing is': [
    [A, [2, 3, remove(), done()], [4, 5, create('b'), exists]],
    [A, [2, 5, remove(), done()], [4, 5, create('b'), exists]],
  ],
  'an ETag that goes back': [
    [A, [2, 3, replace('b'), done(2)], [4, 5, replace('c'), done(2)]],
    [A, [2, 3, replace('b'), done(2)], [4, 5, replace('c'), done(3)]],
  ],
  'an ETag that begins anew behind a delete': [
    [A, [2, 3, replace('b'), done(5)], [4, 5, remove(), done()], [6, 7, create('c'), done(1)]],
    [A, [2, 3, replace('b'), done(5)], [4, 5, remove(), done()], [6, 7, create('c'), done(7)]],
  ],
  'one value at two ETags': [
    [A, [2, 3, read, found('a', 1)], [4, 5, read, found('a', 2)]],
    [A, [2, 3, read, found('a', 1)], [4, 5, read, found('a', 1)]],
  ],
  'a write under an ETag that is not there any more': [
    [A, [2, 3, replace('b'), done(2)], [4, 5, replace('c', 1), done(3)]],
    [A, [2, 3, replace('b'), done(2)], [4, 5, replace('c', 2), done(3)]],
  ],
  'a refusal under the ETag that is there': [
    [A, [2, 3, replace('b', 1), stale]],
    [A, [2, 3, replace('b', 7), stale]],
  ],
  'a delete under an ETag that is not there any more': [
    [A, [2, 3, replace('b'), done(2)], [4, 5, remove(1), done()]],
    [A, [2, 3, replace('b'), done(2)], [4, 5, remove(2), done()]],
  ],
  'a value that nobody has written': [
    [A, [2, 3, read, found('x', 2)]],
    [A, [2, undefined, replace('x')], [2, 3, read, found('x', 2)]],
  ],
  'a value that is read before anybody writes it': [
    [A, [2, 3, read, found('b', 2)], [4, 5, replace('b'), done(2)]],
    [A, [2, 4, read, found('b', 2)], [4, 5, replace('b'), done(2)]],
  ],
  'a PUT that says it has made what was there': [
    [A, [2, 3, make('b'), done(2, true)]],
    [A, [2, 3, make('b'), done(2, false)]],
  ],
  'a plain SQL write that was committed and is gone': [
    [A, [2, 3, replace('sql'), done()], [4, 5, replace('b', 1), done(2)]],
    [A, [2, 3, replace('sql'), done()], [4, 5, replace('b', 2), done(3)]],
  ],
  'two that are each right and have no order together': [
    [
      A,
      [2, 9, replace('b'), done(2)],
      [2, 9, replace('c'), done(3)],
      [3, 4, read, found('c', 3)],
      [5, 6, read, found('b', 2)],
    ],
    [
      A,
      [2, 9, replace('b'), done(2)],
      [2, 9, replace('c'), done(3)],
      [3, 4, read, found('b', 2)],
      [5, 6, read, found('c', 3)],
    ],
  ],
}

describe('a history is seen through', () => {
  it.each(Object.entries(twins))('that has %s; its true twin is taken', (_, [falsified, real]) => {
    expect([isTrue(falsified), isTrue(real)]).toEqual([false, true])
  })

  it('of one key by itself: what is wrong with one says nothing of another', () => {
    const wrong = twins['a lost update']?.[0] ?? []
    const { findings, keys } = check(historyOf([...wrong, [0, 1, create('o'), done(1), 'plate other']]))
    expect([findings.map(({ key }) => key), keys]).toEqual([['plate a'], 2])
  })

  it('with the least of it that shows what is wrong, and what does not fit last', () => {
    const tail: Line[] = Array.from({ length: 50 }, (_, n) => [10 + n, 10.5 + n, read, found('b', 2)])
    const { findings } = check(
      historyOf([A, [2, 3, replace('b'), done(2)], [4, 5, read, found('a', 1)], ...tail]),
    )
    expect(findings.map(({ evidence }) => evidence)).toEqual([
      [
        '0.0..1.0  client  create value=a  ->  done version=1',
        '2.0..3.0  client  replace value=b  ->  done version=2',
        '4.0..5.0  client  read  ->  found value=a version=1',
      ],
    ])
  })
})

/** What a client does at some instant, how long before and behind that its call lasts, and whether it hears of it. */
type Turn = {
  readonly what: 'read' | 'create' | 'once' | 'make' | 'replace' | 'conditional' | 'stale' | 'delete'
  readonly before: number
  readonly behind: number
  readonly isHeard: boolean
}
const turn: fc.Arbitrary<Turn> = fc.record({
  what: fc.constantFrom(
    'read',
    'read',
    'create',
    'once',
    'make',
    'replace',
    'conditional',
    'stale',
    'delete',
  ),
  before: fc.integer({ min: 0, max: 60 }),
  behind: fc.integer({ min: 0, max: 60 }),
  isHeard: fc.constant(true),
})

/** Plays turns one behind the other on a plain variable, ten apart; their calls overlap by as much as each lasts. */
const play = (turns: readonly Turn[]): Operation[] => {
  let value: string | undefined
  let version = 0
  const once = new Map<string, number>()
  return turns.map(({ what, before, behind, isHeard }, n) => {
    const own = `v${n}`
    const write = (): Answered => {
      value = own
      version += 1
      return done(version)
    }
    const [asked, answer] = ((): readonly [Asked, Answered] => {
      switch (what) {
        case 'read':
          return [read, value === undefined ? absent : found(value, version)]
        case 'create':
          return [create(own), value === undefined ? write() : exists]
        case 'once': {
          const id = `k${n % 3}`
          const asks = create(`once ${id}`, id)
          const known = once.get(id)
          if (known !== undefined) return [asks, done(known)]
          if (value !== undefined) return [asks, exists]
          value = `once ${id}`
          version += 1
          once.set(id, version)
          return [asks, done(version)]
        }
        case 'make': {
          const created = value === undefined
          write()
          return [make(own), done(version, created)]
        }
        case 'replace':
          return [replace(own), value === undefined ? absent : write()]
        case 'conditional': {
          const asks = replace(own, version)
          return [asks, value === undefined ? stale : write()]
        }
        case 'stale':
          return [replace(own, version + 5), stale]
        case 'delete': {
          if (value === undefined) return [remove(), absent]
          value = undefined
          version += 1
          return [remove(), done()]
        }
      }
    })()
    const at = 100 + n * 10
    return {
      ...{ key: 'plate a', asked, from: at - before, by: `turn ${n}` },
      ...(isHeard && { until: at + behind, answer }),
    }
  })
}

describe('whatever clients do of a key', () => {
  const turns = fc.array(turn, { minLength: 1, maxLength: 40 })

  it('is taken where a plain variable has answered, some of it to nobody', () => {
    const deaf = fc.array(fc.tuple(turn, fc.integer({ min: 0, max: 5 })), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(deaf, (some) => {
        const history = play(some.map(([one, luck]) => ({ ...one, isHeard: luck > 0 })))
        expect(check(history).findings).toEqual([])
      }),
      runs(600, { short: 150 }),
    )
  })

  it('is seen through with one answer falsified, of calls that do not overlap', () => {
    fc.assert(
      fc.property(turns, fc.nat(), (some, which) => {
        const history = play(some.map((one) => ({ ...one, before: 2, behind: 2 })))
        const at = which % history.length
        const falsified = history.map((one, n) => (n === at ? falsify(one) : one))
        expect(check(history).findings).toEqual([])
        expect(check(falsified).findings).toHaveLength(1)
      }),
      runs(600, { short: 150 }),
    )
  })
})

/** The same call with an answer that it can't have had. */
const falsify = (one: Operation): Operation => {
  const { answer } = one
  switch (answer?.is) {
    case 'found':
      return { ...one, answer: { ...answer, value: 'falsified' } }
    case 'absent':
      return one.asked.do === 'read'
        ? { ...one, answer: found('falsified', 1) }
        : { ...one, answer: done(9_999) }
    case 'exists':
      return { ...one, answer: absent, asked: read }
    case 'stale':
      return { ...one, answer: done(9_999) }
    default:
      // What was written is told as of a version that was there before it.
      return { ...one, answer: one.asked.do === 'delete' ? absent : done(0) }
  }
}
