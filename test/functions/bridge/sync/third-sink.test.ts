import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Change, coalesce } from '../../../../functions/bridge/model/change.ts'
import { InvalidRecordError } from '../../../../functions/bridge/model/errors.ts'
import { nothingApplied, type PartialOutcome } from '../../../../functions/bridge/model/outcome.ts'
import { normaliseStreamEvent } from '../../../../functions/bridge/normalise/stream.ts'
import { parseRecord, streamVersion } from '../../../../functions/bridge/normalise/stream-record.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { RecordReader } from '../../../../functions/bridge/ports/record-reader.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { applyStream } from '../../../../functions/bridge/sync/apply-stream.ts'
import type { SyncParts } from '../../../../functions/bridge/sync/parts.ts'
import { silent } from '../../../support/log.ts'
import { streamEvent, streamRecord } from '../../fixtures/stream-events.ts'
import { openTestParking, type TestParking } from '../parking/harness.ts'

/** What a store has to bring along: this and a reader. It keeps when each dish was last heard of, and no soup. */
class LastHeard implements Sink {
  readonly names = ['dish']
  readonly heard = new Map<string, { version: bigint; gone: boolean }>()

  async applyIsolating(_: string, changes: readonly Change[]): Promise<PartialOutcome> {
    const newest = coalesce(changes)
    const refused = newest.filter(({ key }) => key === 'soup')
    const late = newest.filter(({ key, version }) => (this.heard.get(key)?.version ?? 0n) >= version)
    const fresh = newest.filter((change) => !refused.includes(change) && !late.includes(change))
    for (const { key, version, op } of fresh) this.heard.set(key, { version, gone: op === 'delete' })
    return {
      ...nothingApplied,
      applied: fresh.length,
      skipped: late.length,
      refused: refused.map((change) => ({ change, error: new InvalidRecordError('no soup') })),
    }
  }
  blocked = async (): Promise<ReadonlySet<Change>> => new Set()
  waitsFor = (): readonly never[] => []
  isWaitedFor = (): boolean => false
  isLater = async ({ key, version }: Change): Promise<boolean> =>
    (this.heard.get(key)?.version ?? 0n) > version
}

const reader: RecordReader = {
  table: 'dishes',
  read: (record) => {
    const { keys, origin, eventName } = parseRecord(record)
    const identity = { entity: 'dish', key: String(keys.chefId), version: streamVersion(origin) }
    const more = { source: 'stream', at: '2026-11-22T00:00:00.000Z' } as const
    const change: Change =
      eventName === 'REMOVE'
        ? { op: 'delete', ...identity, ...more }
        : { op: 'upsert', row: {}, ...identity, ...more }
    return { changes: [{ change, unknownAttributes: 0 }], faults: [] }
  },
}

let parking: TestParking
let sink: LastHeard
let parts: SyncParts

beforeAll(async () => {
  parking = await openTestParking()
})
afterAll(() => parking.close())
beforeEach(() => {
  const deadline = new Deadline()
  sink = new LastHeard()
  parts = {
    sink,
    source: { current: async () => [] },
    parking: new DynamoParking({ client: parking.client, table: parking.table, deadline }),
    deadline,
    metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
    log: silent,
    now: () => new Date(),
  }
})

const deliver = async (...records: unknown[]) => {
  const batch = normaliseStreamEvent(streamEvent(...records), new Map([['Chefs', reader]]))
  if (batch === undefined) throw new Error('not a stream event')
  return applyStream(batch, parts)
}
const of = (key: string, sequence: string, eventName = 'INSERT') =>
  streamRecord({ key: { S: key }, sequence, eventName })

describe('a store that is neither Aurora nor DynamoDB', () => {
  it('gets the changes of a stream, with all that is done about bad and late ones', async () => {
    const records = [of('cake', '1'), of('soup', '2'), of('stew', '3'), of('cake', '4', 'REMOVE')]
    for (const batch of [records, records, records.slice(0, 1)])
      expect(await deliver(...batch)).toEqual({ batchItemFailures: [] })

    expect([...sink.heard].map(([key, { gone }]) => [key, gone])).toEqual([
      ['cake', true],
      ['stew', false],
    ])
    expect([...(await parts.parking.parkedOf('dish')).values()]).toMatchObject([
      { key: 'soup', class: 'data', code: 'record.invalid', message: 'no soup' },
    ])
  })
})
