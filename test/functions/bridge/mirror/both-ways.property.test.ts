import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Kysely } from 'kysely'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { ChangeLog } from '../../../../functions/bridge/aurora/change-log.ts'
import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import { type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { conflictsOf } from '../../../../functions/bridge/model/conflict.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import { outwardParkingOf } from '../../../../functions/bridge/model/mirror.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { conflictSlots } from '../../../../functions/bridge/ports/conflict-slots.ts'
import type { KeyRecord, KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'
import { interleave, type Turn } from '../../../support/interleave.ts'
import { recordKinds, runs, times } from '../../../support/runs.ts'
import { keptBy } from '../../fixtures/adopted.ts'
import { PLATES, plateOf } from '../../fixtures/plate.ts'
import { type MirrorWorld, openMirror } from './world.ts'

type Item = Record<string, AttributeValue>

/** A SIGNAL of a trigger's. */
const SIGNALLED = 1644

/** A call that is made after so many others of its actor does not come back: the actor is dead to the stores. */
const death = fc.option(fc.nat({ max: 9 }), { nil: undefined })
const sqlWrite = fc.constantFrom('update', 'update', 'delete', 'replace', 'insert', 'odku', 'undone')
const apiWrite = fc.record({
  side: fc.constantFrom<Owner>('aurora', 'dynamo'),
  does: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
})
const history = fc.record({
  begins: fc.constantFrom<'aurora' | 'dynamo' | 'SQL'>('aurora', 'dynamo', 'SQL'),
  legacy: fc.array(fc.array(sqlWrite, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  clients: fc.array(fc.array(apiWrite, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  /** Moves of the key, which die or do not. */
  moves: fc.array(fc.record({ to: fc.constantFrom<Owner>('aurora', 'dynamo'), dies: death }), {
    maxLength: 3,
  }),
  /** Two relays, each of which dies or does not. */
  relays: fc.array(fc.array(death, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  deliveries: fc.array(death, { maxLength: 4 }),
  /** Earlier records that come once more. */
  again: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
  choices: fc.array(fc.nat({ max: 7 }), { minLength: 8, maxLength: 60 }),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

/** What is taken out of the mirror. */
type Twin = { readonly outward?: (sink: Sink) => Sink }

class Died extends TypeError {}

const atOnce: Turn = () => Promise.resolve()

/** Turns of which one, after so many, does not come. */
const until = (turn: Turn, dies: number | undefined): Turn => {
  let turns = 0
  return async () => {
    await turn()
    if (dies !== undefined && turns++ >= dies) throw new Died('died')
  }
}

/** A call that is refused, or whose caller dies, was not acknowledged. */
const attempt = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!(error instanceof BridgeError || error instanceof Died)) throw error
  }
}

const mirroredPlate = (record: RecordKind) =>
  defineEntity({ ...plateOf(record), tombstones: 'item', put: 'create', mirror: {} })

/** The log, whose rows are taken out in a turn of their own. */
class TurningLog extends ChangeLog {
  readonly #call: <T>(work: () => Promise<T>) => Promise<T>

  constructor(db: Kysely<unknown>, call: <T>(work: () => Promise<T>) => Promise<T>) {
    super(db)
    this.#call = call
  }

  override remove(ids: readonly bigint[]): Promise<void> {
    return this.#call(() => super.remove(ids))
  }
}

/** One key on real servers: what was acknowledged, what its stream has, and who works on it, call by call. */
class Play {
  readonly key = `plate-${randomUUID()}`
  readonly records: unknown[] = []
  taken = 0
  last: string | undefined
  /** How often it was made where nothing was. */
  births = 0
  readonly #world: MirrorWorld
  readonly #plate: ReturnType<typeof mirroredPlate>
  readonly #twin: Twin
  #titles = 0

  constructor(world: MirrorWorld, plate: ReturnType<typeof mirroredPlate>, twin: Twin) {
    this.#world = world
    this.#plate = plate
    this.#twin = twin
  }

  #title(): string {
    this.#titles += 1
    return `title ${this.#titles}`
  }

  /** Makes one call of a store, and keeps what the stream would have of it. */
  async #call<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await turn()
    const before = await this.#world.item(this.#plate, this.key)
    try {
      return await work()
    } finally {
      this.#note(before, await this.#world.item(this.#plate, this.key))
    }
  }

  #note(before: Item | undefined, after: Item | undefined): void {
    if (!isDeepStrictEqual(before, after))
      this.records.push(this.#world.recordOf(this.#plate, this.key, before, after))
  }

  /** One statement, or a transaction, of a legacy program's. */
  async legacy(turn: Turn, does: string): Promise<void> {
    await turn()
    const title = this.#title()
    const { legacy } = this.#world
    const run = async (statement: string, ...values: string[]): Promise<number> => {
      const [{ affectedRows }] = await legacy.query<ResultSetHeader>(statement, values)
      return affectedRows
    }
    const update = () => run('UPDATE plates SET title = ? WHERE code = ?', title, this.key)
    try {
      if (does === 'update' && (await update()) > 0) this.last = title
      if (does === 'delete' && (await run('DELETE FROM plates WHERE code = ?', this.key)) > 0)
        this.last = undefined
      if (does === 'replace')
        this.#made(title, await run('REPLACE INTO plates (code, title) VALUES (?, ?)', this.key, title))
      if (does === 'insert')
        this.#made(title, await run('INSERT IGNORE INTO plates (code, title) VALUES (?, ?)', this.key, title))
      if (does === 'odku')
        this.#made(
          title,
          await run(
            'INSERT INTO plates (code, title) VALUES (?, ?) ON DUPLICATE KEY UPDATE title = VALUES(title)',
            this.key,
            title,
          ),
        )
      if (does === 'undone') {
        await legacy.query('BEGIN')
        await update().finally(() => legacy.query('ROLLBACK'))
      }
    } catch (error) {
      if (Reflect.get(Object(error), 'errno') !== SIGNALLED) throw error
    }
  }

  /** @param rows as the server counts them: one that takes another's place counts twice */
  #made(title: string, rows: number): void {
    if (rows > 0) this.last = title
    if (rows === 1) this.births += 1
  }

  async client(turn: Turn, side: Owner, does: 'put' | 'delete'): Promise<void> {
    const title = this.#title()
    await this.#call(turn, async () => {
      const { create, replace, remove } = this.#world
      const row = { code: this.key, title }
      if (does === 'delete') await remove(this.#plate, side, this.key)
      else
        await replace(this.#plate, side, this.key, row).catch(async (error: unknown) => {
          if (Reflect.get(Object(error), 'name') !== 'NoSuchKeyError') throw error
          const made = await create(this.#plate, side, row, this.key)
          this.births += 1
          return made
        })
      this.last = does === 'delete' ? undefined : title
    })
  }

  #side(turn: Turn, side: KeyRecords): KeyRecords {
    return {
      side: side.side,
      read: (...of) => this.#call(turn, () => side.read(...of)),
      release: (...of) => this.#call(turn, () => side.release(...of)),
      take: (...of) => this.#call(turn, () => side.take(...of)),
      restore: (...of) => this.#call(turn, () => side.restore(...of)),
    }
  }

  sides(turn: Turn): ClaimSides {
    const { aurora, dynamo } = this.#world.sides
    return { aurora: this.#side(turn, aurora), dynamo: this.#side(turn, dynamo) }
  }

  move(turn: Turn, to: Owner): Promise<unknown> {
    return claim(this.#plate, this.key, to, this.sides(turn))
  }

  #sink(turn: Turn, sink: Sink): Sink {
    return {
      names: sink.names,
      ...(sink.references && { references: sink.references }),
      applyIsolating: (...of) => this.#call(turn, () => sink.applyIsolating(...of)),
      isLater: (...of) => this.#call(turn, () => sink.isLater(...of)),
    }
  }

  /** A relay that is there until the log is empty, or until it dies. */
  async carry(turn: Turn): Promise<void> {
    const { relayParts } = this.#world
    const { outward, takeBack } = relayParts
    const sink = this.#twin.outward?.(outward.sink) ?? outward.sink
    const parts: RelayParts = {
      ...relayParts,
      outward: { ...outward, sink: this.#sink(turn, sink) },
      changes: new TurningLog(this.#world.sync.aurora.db, (work) => this.#call(turn, work)),
      takeBack: (change) => this.#call(turn, () => takeBack(change)),
    }
    await relay(parts)
  }

  async deliver(turn: Turn, from: number, to: number): Promise<boolean> {
    const { sync } = this.#world
    const { source } = sync.parts
    const { lift } = source
    const { batchItemFailures } = await sync.deliverWith(
      {
        sink: this.#sink(turn, sync.parts.sink),
        source: {
          current: (...of) => this.#call(turn, () => source.current(...of)),
          ...(lift && { lift: (...of) => this.#call(turn, () => lift(...of)) }),
        },
      },
      ...this.records.slice(from, to),
    )
    return batchItemFailures.length === 0
  }

  async take(turn: Turn): Promise<void> {
    const to = Math.min(this.records.length, this.taken + 2)
    if (to > this.taken && (await this.deliver(turn, this.taken, to))) this.taken = to
  }

  /** Under which names it is listed. */
  async listed(): Promise<readonly string[]> {
    const { parking } = this.#world.sync.parts
    const names = ['plate', conflictsOf('plate'), outwardParkingOf('plate')]
    const heads = await Promise.all(
      names.map((name) => parking.parkedAmong(name, [this.key, ...conflictSlots(this.key)])),
    )
    return names.filter((_, at) => (heads[at]?.size ?? 0) > 0)
  }

  /** What is left to do, in either direction. */
  async pending(): Promise<number> {
    const [[row]] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM backsync_changes WHERE entity_key = ?',
      [this.key],
    )
    return Number(row?.n) + this.records.length - this.taken
  }
}

describe.each<RecordKind>(recordKinds)(
  'a key that is written by plain SQL and at both sides, its record in a %s',
  (record) => {
    const plate = mirroredPlate(record)
    let world: MirrorWorld
    beforeAll(async () => {
      world = await openMirror([plate], { [plate.item.table]: 'Plates' }, [keptBy(record, PLATES)])
    }, 60_000)
    afterAll(() => world.close())

    const told = ({ state, ...of }: KeyRecord): unknown => ('row' in of ? of.row.title : state === 'held')

    const endsEqual = (twin: Twin = {}) =>
      fc.asyncProperty(history, async (of: History) => {
        const play = new Play(world, plate, twin)
        if (of.begins === 'SQL') await play.legacy(atOnce, 'insert')
        else await play.client(atOnce, of.begins, 'put')
        const legacy = of.legacy.map((writes) => async (turn: Turn) => {
          for (const does of writes) await play.legacy(turn, does)
        })
        const clients = of.clients.map((wishes) => async (turn: Turn) => {
          for (const { side, does } of wishes) await attempt(play.client(turn, side, does))
        })
        const relays = of.relays.map((lives) => async (turn: Turn) => {
          for (const dies of lives) {
            await turn()
            await attempt(play.carry(until(turn, dies)))
          }
        })
        const operator = async (turn: Turn) => {
          for (const { to, dies } of of.moves) {
            await turn()
            await attempt(play.move(until(turn, dies), to))
          }
        }
        const mirror = async (turn: Turn) => {
          for (const dies of of.deliveries) {
            await turn()
            await attempt(play.take(until(turn, dies)))
          }
        }
        const zombie = async (turn: Turn) => {
          for (const which of of.again) {
            await turn()
            const at = play.taken === 0 ? 0 : which % play.taken
            if (play.taken > 0) await attempt(play.deliver(turn, at, at + 1))
          }
        }
        await interleave([...legacy, ...clients, ...relays, operator, mirror, zombie], of.choices)

        const drain = async (): Promise<void> => {
          for (let round = 0; (await play.pending()) > 0; round++) {
            expect(round).toBeLessThan(60)
            await play.carry(atOnce)
            await play.take(atOnce)
          }
        }
        await drain()
        const listed = await play.listed()
        // A key of the client's own may be made at both sides at once: then a person has to decide.
        if (play.births > 1 && listed.length > 0) return
        expect(listed).toEqual([])
        // There and back: whatever was half done is completed by it.
        for (const to of ['dynamo', 'aurora'] as const) {
          await claim(plate, play.key, to, play.sides(atOnce))
          await drain()
        }
        expect(await play.pending()).toBe(0)
        const [row, item] = [
          await world.sides.aurora.read(plate, play.key),
          await world.sides.dynamo.read(plate, play.key),
        ]
        expect([told(row), told(item), row.version]).toEqual([
          play.last ?? false,
          play.last ?? false,
          item.version,
        ])
      })

    it(
      'ends on both sides as it was acknowledged last, and nothing moves any more',
      async () => {
        await fc.assert(endsEqual(), runs(15, 11))
      },
      times(240_000),
    )

    it(
      'would not, where the mirror drops what it is given: the same property then fails',
      async () => {
        const drops = (sink: Sink): Sink => ({
          names: sink.names,
          applyIsolating: async (name, changes) => ({
            ...(await sink.applyIsolating(name, [])),
            applied: changes.length,
          }),
          isLater: (change) => sink.isLater(change),
        })
        const { failed } = await fc.check(endsEqual({ outward: drops }), {
          ...runs(40, 11),
          endOnFailure: true,
        })
        expect(failed).toBe(true)
      },
      times(240_000),
    )
  },
)
