import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { normaliseStreamEvent } from '../../../../functions/bridge/normalise/stream.ts'
import { parseRecord, streamVersion } from '../../../../functions/bridge/normalise/stream-record.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import type { RecordReader } from '../../../../functions/bridge/ports/record-reader.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { applyStream } from '../../../../functions/bridge/sync/apply-stream.ts'
import type { Mirror } from '../../../../functions/bridge/sync/mirror.ts'
import { silent } from '../../../support/log.ts'
import { streamEvent, streamRecord } from '../../fixtures/stream-events.ts'
import { openTestParking, type TestParking } from '../parking/harness.ts'
import { LastHeard } from './last-heard.ts'

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
let parts: Mirror

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
