import { describe, expect, it } from '@jest/globals'
import type { KeyReport } from '../../../../functions/bridge/compare/key-report.ts'
import {
  eventsOf,
  isLeft,
  type KeyTraces,
  type TraceSources,
  traceKey,
} from '../../../../functions/bridge/compare/key-traces.ts'
import type { ParkedHead } from '../../../../functions/bridge/ports/parking.ts'
import { chef } from '../../../fixtures/entities/chef.ts'

const at = (minute: number): string => `2026-11-22T10:${String(minute).padStart(2, '0')}:00.000Z`

const head = (entity: string, minute: number, more: Partial<ParkedHead> = {}): ParkedHead => ({
  ...{ entity, key: 'k', version: 3n, class: 'data', code: 'sql.1406', message: 'too long' },
  ...{ firstSeen: at(0), lastSeen: at(minute), attempts: 1, state: 'parked' },
  ...more,
})
const NOTHING: KeyTraces = {
  waiting: { value: { log: [], recorded: [] } },
  undelivered: { value: { records: [], looked: 0, batches: 0 } },
  resolved: { value: [] },
}
const report = (more: Partial<KeyReport> = {}): KeyReport => ({
  ...{ entity: 'chef', key: 'k', relation: 'agree', differing: [], records: {}, conflicts: [] },
  ...{ aurora: { is: 'absent' }, dynamo: { is: 'absent' } },
  ...more,
})
const row = (minute: number) => ({
  ...{ id: 1n, entity: 'chef', key: 'k', op: 'upsert' as const, version: 4n, epoch: 0n },
  at: at(minute),
})

describe('what a key has left', () => {
  const quiet: TraceSources = {
    waiting: async () => ({ log: [], recorded: [] }),
    undelivered: async () => ({ records: [], looked: 0, batches: 0 }),
    resolved: async () => [],
  }

  it('is asked of all at once, and one that fails leaves the others', async () => {
    const traces = await traceKey(chef, 'k', {
      ...quiet,
      waiting: async () => ({ log: [row(1)], recorded: [] }),
      undelivered: () => Promise.reject(new Error('access denied')),
    })
    expect(traces).toEqual({
      waiting: { value: { log: [row(1)], recorded: [] } },
      undelivered: { unknown: 'access denied' },
      resolved: { value: [] },
    })
  })

  it('is looked for under each name that it may have been parked by, the one that ended last first', async () => {
    const asked: string[] = []
    const ended = (entity: string, key: string, minute: number) =>
      head(entity, 1, { key, state: 'superseded', resolvedAt: at(minute) })
    const resolved = async (entity: string, key: string) => {
      asked.push(`${entity} ${key}`)
      if (entity === 'chef') return [ended(entity, key, 3)]
      return key === 'k@2' ? [ended(entity, key, 5)] : []
    }
    const traces = await traceKey({ ...chef, mirror: { plainSql: 'refuse' } }, 'k', { ...quiet, resolved })

    expect(asked.toSorted().slice(0, 4)).toEqual([
      'chef k',
      'chef.conflicts k',
      'chef.conflicts k@10',
      'chef.conflicts k@11',
    ])
    expect(asked).toContain('chef.mirror k')
    expect(asked).toHaveLength(22)
    expect(traces.resolved).toMatchObject({ value: [{ key: 'k@2' }, { key: 'k' }] })
  })

  it.each<[string, Partial<KeyTraces>, boolean]>([
    ['nothing', {}, false],
    ['what is on its way by itself', { waiting: { value: { log: [row(1)], recorded: [] } } }, false],
    ['what could not be asked', { undelivered: { unknown: 'access denied' } }, false],
    ['what plain SQL had no right to', { waiting: { value: { log: [], recorded: [row(1)] } } }, true],
    [
      'a record that is undelivered',
      {
        undelivered: {
          value: { records: [{ batch: 'b', at: at(1), sequenceNumber: '1' }], looked: 1, batches: 1 },
        },
      },
      true,
    ],
  ])('of %s somebody has to end it: %#', (_, some, left) => {
    expect(isLeft({ ...NOTHING, ...some })).toBe(left)
  })
})

describe('the latest that is known of a key', () => {
  it('is what stores and lists have a time of, the newest first', () => {
    const all = eventsOf(
      report({
        aurora: { is: 'held', key: 'k', row: {}, version: 4n, at: at(4) },
        dynamo: { is: 'deleted', version: 2n, at: at(2) },
        tombstone: { version: 3n, at: at(1) },
        parked: head('chef', 6),
        conflicts: [head('chef.conflicts', 3, { code: 'owner.foreign' })],
      }),
      {
        waiting: { value: { log: [row(5)], recorded: [{ ...row(0), op: 'delete' }] } },
        undelivered: {
          value: { records: [{ batch: 'b1', at: at(8), sequenceNumber: '1' }], looked: 1, batches: 1 },
        },
        resolved: { value: [head('chef', 1, { state: 'applied', resolvedAt: at(7) })] },
      },
    )
    expect(all.map((one) => [one.at.slice(14, 16), one.where, one.version, one.what])).toEqual([
      ['08', 'undelivered', undefined, 'a record in b1'],
      ['07', 'resolved', 3n, 'applied as chef: sql.1406'],
      ['06', 'parked', 3n, 'set aside as chef: sql.1406'],
      ['05', 'log', 4n, 'upsert, to be carried over'],
      ['04', 'aurora', 4n, 'written'],
      ['03', 'parked', 3n, 'set aside as chef.conflicts: owner.foreign'],
      ['02', 'dynamo', 2n, 'deleted'],
      ['01', 'aurora', 3n, 'deleted before'],
      ['00', 'plain SQL', 4n, "delete of DynamoDB's key, to be listed"],
    ])
  })

  it('has no time of what says none, and ends somewhere', () => {
    expect(eventsOf(report({ aurora: { is: 'held', key: 'k', row: {}, version: 1n } }), NOTHING)).toEqual([])
    const resolved = Array.from({ length: 30 }, (_, n) => head('chef', n, { state: 'applied' }))
    const told = eventsOf(report(), { ...NOTHING, resolved: { value: resolved } })
    expect([told.length, told[0]?.at]).toEqual([20, at(29)])
  })
})
