import type { ClaimSides } from '../../../../../functions/bridge/cutover/claim.ts'
import { entityReaders } from '../../../../../functions/bridge/dynamo/entity-reader.ts'
import type { Change, Intent } from '../../../../../functions/bridge/model/change.ts'
import type { Owner } from '../../../../../functions/bridge/model/owner.ts'
import { normaliseStreamEvent } from '../../../../../functions/bridge/normalise/stream.ts'
import type { KeyRecord, KeyRecords } from '../../../../../functions/bridge/ports/key-records.ts'
import type { Parked, ParkedHead, Parking } from '../../../../../functions/bridge/ports/parking.ts'
import { comparePlaces } from '../../../../../functions/bridge/ports/place.ts'
import type { Sink } from '../../../../../functions/bridge/ports/sink.ts'
import type { Source } from '../../../../../functions/bridge/ports/source.ts'
import type { Stored } from '../../../../../functions/bridge/ports/stored.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { applyStream } from '../../../../../functions/bridge/sync/apply-stream.ts'
import type { Mirror } from '../../../../../functions/bridge/sync/mirror.ts'
import { silent } from '../../../../support/log.ts'
import { plate } from '../../../fixtures/plate.ts'
import { streamRecord } from '../../../fixtures/stream-events.ts'
import { FakeAurora } from './fake-aurora.ts'
import { AT, FakeDynamo } from './fake-dynamo.ts'
import type { ItemRecord, Parts, Stores } from './state.ts'

/** Both stores of one key, and the stream's way from the one to the other, as whoever works on them sees them. */
export type Faces = {
  readonly sides: ClaimSides
  readonly sink: Sink
  readonly source: Source
  write(side: Owner, change: Change | Intent): Promise<Stored | undefined>
  plainUpdate(title: string): Promise<void>
  plainPut(change: Change, isOwn: boolean): Promise<void>
  /** Brings records of the stream, by their places in it. @returns whether they are done with */
  deliver(from: number, to: number): Promise<boolean>
}

export const facesOf = (parts: Parts): Faces => {
  const aurora = new FakeAurora(plate, parts)
  const dynamo = new FakeDynamo(plate, parts)
  const { stores, out } = parts
  const deadline = new Deadline()
  // Nothing is tried again: it comes again.
  deadline.within(1_000)
  const mirror: Mirror = {
    sink: aurora.sink,
    source: dynamo.source,
    parking: fakeParking(stores),
    deadline,
    metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
    log: silent,
    now: () => new Date(AT),
  }
  const sides = { aurora: aurora.records, dynamo: dynamo.records }
  return {
    sides: out.has('claim-order') ? ownedFirst(sides) : sides,
    sink: aurora.sink,
    source: dynamo.source,
    write: (side, change) => (side === 'aurora' ? aurora.write(change) : dynamo.write(change)),
    plainUpdate: (title) => aurora.plainUpdate(title),
    plainPut: (change, isOwn) => dynamo.plainPut(change, isOwn),
    deliver: async (from, to) => {
      const records = stores.records.slice(from, to).map((record, at) => toRecord(record, from + at))
      const batch = normaliseStreamEvent({ Records: records }, READERS)
      if (batch === undefined) throw new TypeError('It is an event of a stream')
      return (await applyStream(batch, mirror)).batchItemFailures.length === 0
    },
  }
}

/** ClaimSides of which the new one has the key before the old one is asked. */
const ownedFirst = ({ aurora, dynamo }: ClaimSides): ClaimSides => {
  const over = (side: KeyRecords, other: KeyRecords): KeyRecords => ({
    ...side,
    release: async (entity, key, to, as): Promise<KeyRecord> => {
      await other.release(entity, key, to, as)
      return side.release(entity, key, to, as)
    },
  })
  return { aurora: over(aurora, dynamo), dynamo: over(dynamo, aurora) }
}

const READERS = entityReaders([plate], { [plate.item.table]: plate.item.table })

const toRecord = ({ before, after }: ItemRecord, at: number) => {
  const made = streamRecord({
    table: plate.item.table,
    sequence: String(1000 + at),
    eventName: after === undefined ? 'REMOVE' : before === undefined ? 'INSERT' : 'MODIFY',
    ...(before && { oldImage: before }),
    ...(after && { newImage: after }),
  })
  const key = (after ?? before)?.[plate.item.keyAttribute]
  const { NewImage, OldImage, ...others } = made.dynamodb
  const dynamodb = {
    ...others,
    Keys: { [plate.item.keyAttribute]: key },
    ...(after && { NewImage }),
    ...(before && { OldImage }),
  }
  return { ...made, dynamodb }
}

/** What is set aside of the key: in one slot by its name, as the last that was parked. */
const fakeParking = (stores: Stores): Parking => {
  const headOf = ({ payload: _, ...head }: Parked): ParkedHead => ({
    ...head,
    ...{ firstSeen: AT, lastSeen: AT, attempts: 1, state: 'parked' },
  })
  const of = (entity: string) =>
    new Map(stores.parked.filter((one) => one.entity === entity).map((one) => [one.key, headOf(one)]))
  return {
    park: async (changes) => {
      for (const { payload: _, ...one } of changes)
        stores.parked = [
          ...stores.parked.filter(({ entity }) => entity !== one.entity),
          { ...one, payload: '' },
        ]
    },
    parkedOf: async (entity) => of(entity),
    parkedAmong: async (entity) => of(entity),
    waitingFor: async () => [],
    due: async () => [],
    tidy: async () => undefined,
    resolve: async ({ entity }, { upTo }) => {
      const found = stores.parked.find((one) => one.entity === entity)
      if (found === undefined || comparePlaces(found, upTo) > 0) return false
      stores.parked = stores.parked.filter((one) => one !== found)
      return true
    },
  }
}
