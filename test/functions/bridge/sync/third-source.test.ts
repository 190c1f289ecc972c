import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { toJsonText } from '../../../../functions/bridge/drivers/dynamo/json-text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import type { Parking } from '../../../../functions/bridge/ports/parking.ts'
import type { Source, Subject } from '../../../../functions/bridge/ports/source.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { type Evidence, namelessKey } from '../../../../functions/bridge/sync/evidence.ts'
import { follow } from '../../../../functions/bridge/sync/follow.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { silent } from '../../../support/log.ts'
import { openTestParking, passedOn, type TestParking } from '../parking/harness.ts'
import { LastHeard } from './last-heard.ts'

type Row = { readonly key: string | undefined; readonly version: bigint; readonly gone: boolean }

/** What a source has to bring along: a log of changes, as a database keeps it. A row leaves it once it is dealt with. */
class ChangeLog implements Source {
  readonly rows = new Map<number, Row>()
  readonly #now = new Map<string, Change>()
  #last = 0

  write(key: string | undefined, version: bigint, gone = false): void {
    this.rows.set(++this.#last, { key, version, gone })
    if (key !== undefined) this.#now.set(key, toChange({ key, version, gone }))
  }
  async relay(mirror: Mirror): Promise<void> {
    const rows = [...this.rows]
    const verdicts = await follow(rows.map(toEvidence), mirror)
    for (const [at, [id]] of rows.entries()) if (verdicts[at] !== 'again') this.rows.delete(id)
  }
  current = async ({ key }: Subject): Promise<readonly Change[]> => [this.#now.get(key)].filter(isThere)
}

const isThere = <T>(one: T | undefined): one is T => one !== undefined
const toChange = ({ key, version, gone }: Row & { key: string }): Change => {
  const identity = { entity: 'dish', key, version, source: 'log', at: '2026-11-22T00:00:00.000Z' }
  return gone ? { op: 'delete', ...identity } : { op: 'upsert', row: {}, ...identity }
}
const toEvidence = ([id, { key, ...row }]: [number, Row]): Evidence => {
  const payload = () => toJsonText({ id, key, ...row })
  if (key !== undefined) return { change: toChange({ key, ...row }), payload }
  const error = new InvalidRecordError('a row without a key')
  return { fault: { entity: 'dish', key: namelessKey(`log-${id}`), version: undefined, error }, payload }
}

/** One that has no room for anything new. */
const withoutRoom = (parking: Parking): Parking => ({
  ...passedOn(parking),
  park: async () => {
    throw new Error('no room')
  },
})

describe('a source that is no stream', () => {
  let parking: TestParking
  let sink: LastHeard
  let source: ChangeLog
  let counts: Map<string, number>
  let mirror: Mirror

  beforeEach(async () => {
    // Parking remembers what it has resolved: each test has a table of its own.
    parking = await openTestParking()
    sink = new LastHeard()
    source = new ChangeLog()
    counts = new Map()
    mirror = {
      source,
      sink,
      parking: parking.parking,
      deadline: new Deadline(),
      metrics: {
        count: (name, _, n) => void (n > 0 && counts.set(name, (counts.get(name) ?? 0) + n)),
        milliseconds: () => {},
        flush: () => {},
      },
      log: silent,
      now: () => new Date(),
    }
  })
  afterEach(() => parking.close())

  const parked = async () => [...(await parking.parking.parkedOf('dish')).values()]
  const heard = () =>
    Object.fromEntries([...sink.heard].map(([key, { version, gone }]) => [key, [version, gone]]))

  it('has its rows applied, once each, however often and late they come', async () => {
    source.write('cake', 1n)
    source.write('stew', 1n)
    source.write('stew', 2n, true)
    await source.relay(mirror)
    source.write('stew', 1n)
    source.write('cake', 1n)
    await source.relay(mirror)

    expect(heard()).toEqual({ cake: [1n, false], stew: [2n, true] })
    expect(source.rows.size).toBe(0)
    expect(Object.fromEntries(counts)).toEqual({ Applied: 2, SkippedAsOlder: 2 })
  })

  it('has its bad rows parked with what they were, and holds none up behind them', async () => {
    source.write('soup', 1n)
    source.write(undefined, 1n)
    source.write(undefined, 1n)
    source.write('cake', 1n)
    await source.relay(mirror)

    expect(heard()).toEqual({ cake: [1n, false] })
    expect(source.rows.size).toBe(0)
    expect((await parked()).map(({ key, version, code }) => [key, version, code]).sort()).toEqual([
      ['?log-2', undefined, 'record.invalid'],
      ['?log-3', undefined, 'record.invalid'],
      ['soup', 1n, 'record.invalid'],
    ])
    const payload = (await parking.parking.entryOf('dish', 'soup'))?.payload ?? ''
    expect(JSON.parse(payload)).toEqual({ id: 1, key: 'soup', version: '1', gone: false })
    expect(Object.fromEntries(counts)).toEqual({ Applied: 1, Parked: 3 })
  })

  it('keeps what could neither be applied nor parked, and nothing else, until it can', async () => {
    source.write('cake', 1n)
    source.write('soup', 1n)
    source.write(undefined, 1n)
    await source.relay({ ...mirror, parking: withoutRoom(parking.parking) })

    expect([...source.rows.keys()]).toEqual([2, 3])
    expect(heard()).toEqual({ cake: [1n, false] })
    expect(Object.fromEntries(counts)).toEqual({ Applied: 1 })

    await source.relay(mirror)
    expect(source.rows.size).toBe(0)
    expect((await parked()).map(({ key }) => key).sort()).toEqual(['?log-3', 'soup'])
    expect(counts.get('Parked')).toBe(2)
  })

  it('ends the parking of what a later row has overtaken, and never by an older one', async () => {
    source.write('soup', 5n)
    await source.relay(mirror)
    sink.soups = true
    source.write('soup', 4n)
    await source.relay(mirror)
    expect((await parked()).map(({ key }) => key)).toEqual(['soup'])

    source.write('soup', 6n)
    await source.relay(mirror)
    expect(await parked()).toEqual([])
    expect(heard()).toEqual({ soup: [6n, false] })
    expect(counts.get('Superseded')).toBe(1)
  })

  it('is asked what is true now when what is parked is tried again, and what that did is counted once', async () => {
    source.write('soup', 1n)
    source.write(undefined, 1n)
    await source.relay(mirror)
    const still = await retryParked(mirror, 'dish', await parked())
    expect(still.map(({ outcome }) => outcome)).toEqual(['parked', 'parked'])
    expect(counts.get('Parked')).toBe(2)

    sink.soups = true
    const [head] = (await parked()).filter(({ key }) => key === 'soup')
    expect(head?.attempts).toBe(2)
    expect(await retryParked(mirror, 'dish', head === undefined ? [] : [head])).toMatchObject([
      { outcome: 'applied' },
    ])
    expect((await parked()).map(({ key }) => key)).toEqual(['?log-2'])
    expect(Object.fromEntries(counts)).toEqual({ Parked: 2, Applied: 1, Unparked: 1 })
  })
})
