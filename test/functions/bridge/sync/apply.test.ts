import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { ConfigurationError, InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import { nothingApplied, StillReferencedError } from '../../../../functions/bridge/model/outcome.ts'
import type { Parked, ParkedHead, Parking } from '../../../../functions/bridge/ports/parking.ts'
import type { References, Sink } from '../../../../functions/bridge/ports/sink.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { applyAll } from '../../../../functions/bridge/sync/apply.ts'
import type { Evidence } from '../../../../functions/bridge/sync/evidence.ts'
import { follow } from '../../../../functions/bridge/sync/follow.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { TargetTakenError } from '../../../../functions/bridge/tables/errors.ts'
import { silent } from '../../../support/log.ts'

type Op = 'upsert' | 'delete'

const change = (key: string, version = 1n, op: Op = 'upsert', entity = 'dish'): Change => {
  const identity = { entity, key, version, source: 'test', at: '2026-11-22T00:00:00.000Z' }
  return op === 'delete' ? { op, ...identity } : { op, row: {}, ...identity }
}
const good = (...of: Parameters<typeof change>): Evidence => ({ change: change(...of), payload: () => of[0] })
const fault = (key: string, version?: bigint): Evidence => ({
  fault: { entity: 'dish', key, version, error: new InvalidRecordError('no dish') },
  payload: () => key,
})

const refusal = (key: string): Error | undefined => {
  if (key === 'taken') return new TargetTakenError('taken')
  if (key.startsWith('bad')) return new InvalidRecordError('bad')
  return key.startsWith('early') ? new StillReferencedError('too early') : undefined
}

describe('applying what any source brings', () => {
  let given: Change[]
  let parked: Parked[]
  let resolved: unknown[]
  let counts: Record<string, number>
  let heads: Map<string, ParkedHead>
  let broken: Partial<Record<keyof Parking, Error>>

  beforeEach(() => {
    given = []
    parked = []
    resolved = []
    counts = {}
    heads = new Map()
    broken = {}
  })

  const applyIsolating: Sink['applyIsolating'] = async (_, changes) => {
    given.push(...changes)
    const refused = changes.flatMap((one) => {
      const error = refusal(one.key)
      return error === undefined ? [] : [{ change: one, error }]
    })
    return { ...nothingApplied, applied: changes.length - refused.length, refused }
  }
  const mirrorOf = (sink: Partial<Sink> = {}): Mirror => {
    const attempt = async <T>(name: keyof Parking, work: () => T): Promise<T> => {
      if (broken[name] !== undefined) throw broken[name]
      return work()
    }
    return {
      source: { current: async () => [] },
      sink: { names: ['dish'], applyIsolating, isLater: async () => false, ...sink },
      parking: {
        park: (changes) => attempt('park', () => void parked.push(...changes)),
        parkedOf: () => attempt('parkedOf', () => heads),
        parkedAmong: () => attempt('parkedAmong', () => heads),
        due: () => attempt('due', () => []),
        tidy: () => attempt('tidy', () => undefined),
        waitingFor: () => attempt('waitingFor', () => []),
        resolve: (of, { upTo, how }) =>
          attempt('resolve', () => {
            resolved.push([of.key, upTo, how])
            return true
          }),
      },
      deadline: new Deadline(),
      metrics: {
        count: (name, _, n) => {
          if (n > 0) counts[name] = (counts[name] ?? 0) + n
        },
        milliseconds: () => {},
        flush: () => {},
      },
      log: silent,
      now: () => new Date(),
    }
  }
  const verdictsOf = async (evidence: readonly Evidence[], mirror = mirrorOf()) =>
    (await applyAll(evidence, mirror)).verdicts

  it('gives one verdict for each, in their order, whatever is bad about some', async () => {
    const evidence = [fault('?7'), good('a'), good('bad'), good('b'), fault('c')]

    expect(await verdictsOf(evidence)).toEqual(['parked', 'settled', 'parked', 'settled', 'parked'])
    expect(parked.map(({ key, payload }) => [key, payload])).toEqual([
      ['?7', '?7'],
      ['bad', 'bad'],
      ['c', 'c'],
    ])
    expect(counts).toEqual({ Applied: 2, Parked: 3 })
  })

  it('asks for the payload of nothing but what is parked', async () => {
    const evidence = [good('a'), good('bad')].map((one, at) => ({
      ...one,
      payload: () => {
        if (at === 0) throw new Error('asked in vain')
        return 'shown'
      },
    }))

    await verdictsOf(evidence)
    expect(parked).toMatchObject([{ key: 'bad', payload: 'shown' }])
  })

  it('says "again" of exactly what could neither be applied nor parked, and counts it as nothing', async () => {
    broken.park = new Error('no room')
    const { verdicts, failure } = await applyAll([good('a'), good('bad'), fault('c')], mirrorOf())

    expect(verdicts).toEqual(['settled', 'again', 'again'])
    expect(failure).toBe(broken.park)
    expect(counts).toEqual({ Applied: 1 })
  })

  it('keeps what was parked before as it is, or notes one attempt more; neither is news', async () => {
    const left = await applyAll([good('bad')], mirrorOf(), { refused: 'left' })
    expect([left.verdicts, parked]).toEqual([['parked'], []])

    const noted = await applyAll([good('bad')], mirrorOf(), { refused: 'noted' })
    expect([noted.verdicts, parked.length]).toEqual([['parked'], 1])
    expect(counts).toEqual({})
  })

  it('never takes for settled what the sink does not keep', async () => {
    await expect(verdictsOf([good('a', 1n, 'upsert', 'fork')])).rejects.toThrow(ConfigurationError)
    expect(given).toEqual([])
  })

  it('never takes for settled what the sink refuses by another name', async () => {
    const careless: Sink['applyIsolating'] = async (_, changes) => ({
      ...nothingApplied,
      refused: changes.map((one) => ({ change: { ...one }, error: new InvalidRecordError('bad') })),
    })
    await expect(verdictsOf([good('a')], mirrorOf({ applyIsolating: careless }))).rejects.toThrow('not given')
  })

  it('parks what waits for something with what it waits for, where the sink can tell', async () => {
    const references: References = {
      waitsFor: ({ key }) => [{ entity: 'cook', key }],
      howWaitedFor: () => 'key',
    }
    await verdictsOf([good('early')], mirrorOf({ references }))
    await verdictsOf([good('early')])

    expect(parked).toMatchObject([
      { class: 'dependency', waitsFor: [{ entity: 'cook', key: 'early' }] },
      { class: 'dependency' },
    ])
    expect(parked[1]).not.toHaveProperty('waitsFor')
  })

  it('counts two that want one place by a name of their own', async () => {
    await verdictsOf([good('taken'), good('bad')])
    expect(counts).toEqual({ Parked: 2, Collisions: 1 })
  })

  describe('with deletes of what is still referred to', () => {
    const references: References = {
      blocked: async (_, deletes) => new Set(deletes.filter(({ key }) => key.startsWith('held'))),
      waitsFor: () => [],
      howWaitedFor: () => 'never',
    }
    const run = async (...evidence: readonly Evidence[]) => {
      const verdicts = await verdictsOf(evidence, mirrorOf({ references }))
      return [verdicts, given.map(({ key, version }) => `${key} ${version}`)]
    }

    it('spares the sink those, and what came before them', async () => {
      expect(await run(good('held', 1n), good('held', 2n, 'delete'), good('a', 2n, 'delete'))).toEqual([
        ['settled', 'parked', 'settled'],
        ['a 2'],
      ])
      expect(parked).toMatchObject([{ key: 'held', version: 2n, code: 'row.referenced' }])
    })

    it('lets pass what is written again behind its delete', async () => {
      expect(await run(good('held', 2n, 'delete'), good('held', 3n))).toEqual([
        ['settled', 'settled'],
        ['held 2', 'held 3'],
      ])
      expect(parked).toEqual([])
    })
  })

  describe('of a source that is followed', () => {
    const head = (key: string, more: Partial<ParkedHead> = {}): void => {
      const facts = { class: 'data', code: 'x', message: 'x', firstSeen: '', lastSeen: '' } as const
      heads.set(key, { entity: 'dish', key, ...facts, attempts: 1, state: 'parked', ...more })
    }

    it('ends the parking of what is as old as what was applied, or older', async () => {
      head('same', { version: 2n })
      head('older', { version: 1n })
      head('later', { version: 3n })
      await follow([good('same', 2n), good('older', 2n), good('later', 2n)], mirrorOf())

      expect(resolved).toEqual([
        ['same', { version: 2n }, 'applied'],
        ['older', { version: 2n }, 'superseded'],
      ])
      expect(counts).toEqual({ Applied: 3, Unparked: 1, Superseded: 1 })
    })

    it('never ends that of a key of which something is refused, nor of a record of which only half is good', async () => {
      for (const key of ['bad', 'half', 'whole']) head(key, { version: 1n })
      await follow(
        [good('bad', 2n), fault('half', 2n), good('half', 2n), fault('whole', 1n), good('whole', 2n)],
        mirrorOf(),
      )
      expect(resolved).toEqual([['whole', { version: 2n }, 'superseded']])
    })

    it('never ends that of a key whose last change was late: what the store holds is nothing that it proves', async () => {
      for (const key of ['late', 'held']) head(key, { version: 1n })
      const overruled = (one: Change) => ({
        change: one,
        held: { version: 9n, op: 'upsert' as const, row: async () => undefined },
      })
      const late: Sink['applyIsolating'] = async (_, changes) => ({
        ...nothingApplied,
        skipped: changes.length,
        overruled: changes.filter(({ key }) => key === 'late').map(overruled),
      })
      const evidence = [good('late', 2n), good('held', 2n)]

      expect(await follow(evidence, mirrorOf({ applyIsolating: late }))).toEqual(['settled', 'settled'])
      expect(resolved).toEqual([['held', { version: 2n }, 'superseded']])
      expect(counts).toEqual({ SkippedAsOlder: 2, Late: 1, Superseded: 1 })
    })

    it('comes again as a whole where its source can not be asked', async () => {
      const { sink, ...mirror } = mirrorOf({
        applyIsolating: async (_, [one]) => ({
          ...nothingApplied,
          skipped: 1,
          overruled:
            one === undefined
              ? []
              : [{ change: one, held: { version: 9n, op: 'upsert', row: async () => undefined } }],
        }),
      })
      const source: Mirror['source'] = {
        current: async () => {
          throw new Error('gone')
        },
      }

      await expect(follow([good('a')], { ...mirror, sink, source })).rejects.toThrow('gone')
      expect(counts).toEqual({})
    })

    it.each(['parkedAmong', 'resolve'] as const)(
      'comes again as a whole where nothing of it is bad and %s fails',
      async (name) => {
        broken[name] = new Error('gone')
        head('a', { version: 1n })
        expect(await follow([good('a'), good('b')], mirrorOf())).toEqual(['again', 'again'])
      },
    )

    it('comes again with what is bad only, where something is', async () => {
      broken.parkedAmong = new Error('gone')
      expect(await follow([good('a'), good('bad')], mirrorOf())).toEqual(['settled', 'again'])
    })

    it.each(['park', 'parkedAmong'] as const)('fails as a whole where %s is not set up', async (name) => {
      broken[name] = new ConfigurationError(['no table'])
      await expect(follow([good('bad')], mirrorOf())).rejects.toThrow(broken[name])
    })

    it('is tried once more when it was parked for what may have come by then, without another attempt', async () => {
      let tries = 0
      const arrives: Sink['applyIsolating'] = async (name, changes) => {
        // Before the last of the tries, by another hand.
        if (++tries < 5) return applyIsolating(name, changes)
        return { ...nothingApplied, applied: changes.length }
      }
      expect(await follow([good('early', 4n)], mirrorOf({ applyIsolating: arrives }))).toEqual(['parked'])

      expect(parked).toHaveLength(1)
      expect(resolved).toEqual([['early', { sequenceNumber: '0', version: 4n }, 'applied']])
      expect(counts).toEqual({ Retried: 3, Waiting: 1, Applied: 1, Unparked: 1 })
    })
  })
})
