import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { type StreamRecord, toEventRecord } from '../../../../infra/local/streams/records.ts'
import type { TestTables } from '../../../support/dynamo-tables.ts'

/** The time of a simulation, in milliseconds since 1970. It goes on only when it is told to. */
export type Clock = { now(): number; advance(milliseconds: number): void }

export const clockAt = (start: string): Clock => {
  let time = Date.parse(start)
  return {
    now: () => time,
    advance: (milliseconds) => {
      time += milliseconds
    },
  }
}

/** How many records DynamoDB keeps apart by the item's key: what Lambda delivers at once is in order in each. */
const LANES = 3
/** Records that are older are gone, delivered or not. */
const KEPT_MS = 24 * 3600_000

/**
 * A table of items whose stream is the test's own: its records are made with each write, have the simulation's time, and
 * wait in lanes until the test has them delivered. The items themselves are in a real table, for scans.
 */
export type SimulatedSource = {
  readonly items: ReadonlyMap<string, Item>
  /** An item that has been there so long that its record is gone. */
  seed(item: Identified): Promise<void>
  put(item: Identified): Promise<void>
  remove(id: string): Promise<void>
  /** As `remove`, by time to live: the record names DynamoDB itself. */
  expire(id: string): Promise<void>
  /** Records that wait, by lane. */
  waiting(lane: number): readonly StreamRecord[]
  /** Takes what has been delivered off the lane. */
  took(lane: number, count: number): void
  /** Records that were delivered before and can be once more. */
  readonly delivered: readonly StreamRecord[]
  readonly lanes: number
  /** Drops what is older than the stream's 24 hours. @returns how many were never delivered */
  trim(): number
}

type Identified = Item & { readonly id: { readonly S: string } }

export const simulateSource = (ground: TestTables, table: string, clock: Clock): SimulatedSource => {
  const items = new Map<string, Item>()
  const lanes: StreamRecord[][] = Array.from({ length: LANES }, () => [])
  let delivered: StreamRecord[] = []
  let sequence = 700_000_000_000_000_000_000n
  const arn = `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/2026-11-22T00:00:00.000`

  const note = (id: string, before: Item | undefined, after: Item | undefined, byTtl = false): void => {
    sequence += 1n
    const record = toEventRecord(
      {
        eventID: String(sequence),
        eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
        ...(byTtl && { userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' } }),
        dynamodb: {
          ApproximateCreationDateTime: new Date(clock.now()),
          Keys: { id: { S: id } },
          ...(before && { OldImage: before }),
          ...(after && { NewImage: after }),
          SequenceNumber: String(sequence),
          SizeBytes: 100,
          StreamViewType: 'NEW_AND_OLD_IMAGES',
        },
      },
      arn,
      'us-east-1',
    )
    lanes[laneOf(id)]?.push(record)
  }
  const take = async (id: string, byTtl: boolean): Promise<void> => {
    const before = items.get(id)
    // DynamoDB has no record of a delete of nothing.
    if (before === undefined) return
    await ground.remove(table, { id: { S: id } })
    items.delete(id)
    note(id, before, undefined, byTtl)
  }
  return {
    items,
    seed: async (item) => {
      await ground.put(table, item)
      items.set(item.id.S, item)
    },
    put: async (item) => {
      const id = item.id.S
      await ground.put(table, item)
      note(id, items.get(id), item)
      items.set(id, item)
    },
    remove: (id) => take(id, false),
    expire: (id) => take(id, true),
    waiting: (lane) => lanes[lane] ?? [],
    took: (lane, count) => {
      delivered.push(...(lanes[lane]?.splice(0, count) ?? []))
    },
    get delivered() {
      return delivered
    },
    lanes: LANES,
    trim: () => {
      const isKept = ({ dynamodb }: StreamRecord): boolean =>
        clock.now() - dynamodb.ApproximateCreationDateTime * 1000 <= KEPT_MS
      delivered = delivered.filter(isKept)
      let lost = 0
      for (const lane of lanes) {
        const kept = lane.filter(isKept)
        lost += lane.length - kept.length
        lane.splice(0, lane.length, ...kept)
      }
      return lost
    },
  }
}

const laneOf = (id: string): number =>
  [...id].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % LANES
