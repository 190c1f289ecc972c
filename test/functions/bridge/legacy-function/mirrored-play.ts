import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { type Kysely, sql } from 'kysely'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { ChangeLog } from '../../../../functions/bridge/aurora/change-log.ts'
import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import { InvokeError } from '../../../../functions/bridge/drivers/lambda/errors.ts'
import { CallingWriter } from '../../../../functions/bridge/legacy-function/calling-writer.ts'
import { type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { conflictsOf } from '../../../../functions/bridge/model/conflict.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { BridgeError, kindOf } from '../../../../functions/bridge/model/errors.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { type KnownCall, legacyFunction } from '../../../../functions/bridge/model/legacy-function.ts'
import { outwardParkingOf } from '../../../../functions/bridge/model/mirror.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { conflictSlots } from '../../../../functions/bridge/ports/conflict-slots.ts'
import type { FunctionCaller } from '../../../../functions/bridge/ports/function-caller.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import type { Sink } from '../../../../functions/bridge/ports/sink.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import type { Turn } from '../../../support/interleave.ts'
import { silent } from '../../../support/log.ts'
import { type MirrorWorld, openMirror } from '../mirror/world.ts'
import { arnOf } from './harness.ts'

/* Trays that a function writes in two statements, mirrored: one key of theirs, what happens to it, and who dies meanwhile. */

type Item = Record<string, AttributeValue>

/** A SIGNAL of a trigger's. */
const SIGNALLED = 1644
/** A key that is there. */
const DUPLICATE = 1062

/** What happens to a call: it is done and answered; its answer is lost; its caller dies before, in the midst of it, or behind; it throws. */
export const FATES = [
  'answered',
  'answered',
  'lost',
  'dies before',
  'dies within',
  'dies',
  'throws within',
] as const
export type Fate = (typeof FATES)[number]

/** How rows of trays have their keys. */
export type Keys = 'counted' | 'natural'

export class Died extends TypeError {}

export const atOnce: Turn = () => Promise.resolve()

/** Turns of which one, after so many, does not come. */
export const until = (turn: Turn, dies: number | undefined): Turn => {
  let turns = 0
  return async () => {
    await turn()
    if (dies !== undefined && turns++ >= dies) throw new Died('died')
  }
}

const trayOf = (keys: Keys): Entity =>
  defineEntity({
    ...{ name: 'tray', plural: 'trays', keyName: 'trayKey', table: 'trays' },
    identity: keys === 'counted' ? autoIncrement('id') : natural(['code'], { collation: 'utf8mb4_bin' }),
    attributes: {
      ...(keys === 'natural' && { code: text({ column: 'code', maxLength: 60 }) }),
      title: text({ column: 'title', maxLength: 20 }),
      length: integer({ column: 'length' }),
    },
    ...{ tombstones: 'item', put: 'create', mirror: {} },
    legacyFunction: legacyFunction({
      functionArn: arnOf('trays'),
      toEvent: ([call]) => call && { ...call, version: String(call.version), item: undefined },
      meaning: (answer) => ({
        is: 'applied',
        legacyId: Number(Reflect.get(Object(answer), 'id')) || undefined,
      }),
      // A half of it is not it.
      done: async (call, database) => done(keys, call, database),
      timeout: 1,
    }),
    example: { ...(keys === 'natural' && { code: 'a' }), title: 'b', length: 1 },
  })

const done = async (keys: Keys, { op, key, row, legacyId }: KnownCall, database: Kysely<unknown>) => {
  const which =
    keys === 'natural' ? sql`code = ${key}` : legacyId === undefined ? sql`TRUE` : sql`id = ${legacyId}`
  const as = op === 'delete' ? sql`TRUE` : sql`title = ${row?.title} AND length = ${row?.length}`
  if (op === 'delete' && keys === 'counted' && legacyId === undefined) return {}
  const { rows } = await sql<{ readonly id: number | null }>`
    SELECT ${sql.raw(keys === 'counted' ? 'id' : 'NULL')} AS id FROM trays WHERE ${which} AND ${as}`.execute(
    database,
  )
  const [first] = rows
  if (op === 'delete') return first === undefined ? {} : undefined
  return first === undefined ? undefined : { ...(first.id !== null && { legacyId: first.id }) }
}

const TABLES: Readonly<Record<Keys, string>> = {
  counted: `CREATE TABLE trays (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(20) NOT NULL, length INT NOT NULL)`,
  natural: `CREATE TABLE trays (code VARCHAR(60) NOT NULL PRIMARY KEY, title VARCHAR(20) NOT NULL, length INT NOT NULL)
    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
}

/** Whose call it is that runs: its turns, and what is to happen to calls of the function. */
type Running = { readonly turn: Turn; readonly fates: Fate[] }
const running = new AsyncLocalStorage<Running>()

/** Has calls of the function go as they are said to, with a turn before each of its statements and before its answer. */
export const calling = <T>(
  how: { readonly turn?: Turn; readonly fates?: readonly Fate[] },
  work: () => Promise<T>,
) => running.run({ turn: how.turn ?? atOnce, fates: [...(how.fates ?? [])] }, work)

export type TrayWorld = MirrorWorld & { readonly tray: Entity; readonly keys: Keys }

export const openTrays = async (keys: Keys): Promise<TrayWorld> => {
  const tray = trayOf(keys)
  const world: { legacy?: MirrorWorld['legacy'] } = {}
  const run = async (statement: string, ...values: unknown[]): Promise<ResultSetHeader> => {
    if (world.legacy === undefined) throw new TypeError('called before the world is there')
    return (await world.legacy.query<ResultSetHeader>(statement, values))[0]
  }
  const caller: FunctionCaller = {
    invoke: async (name, event) => {
      const { turn, fates } = running.getStore() ?? { turn: atOnce, fates: [] }
      const fate = fates.shift() ?? 'answered'
      const {
        op,
        key,
        legacyId,
        row,
      }: { op: string; key: string; legacyId?: string; row?: Record<string, unknown> } = JSON.parse(event)
      const which = keys === 'natural' ? key : legacyId
      const column = keys === 'natural' ? 'code' : 'id'
      const failed = (error: unknown) => ({
        is: 'failed' as const,
        type: 'Error',
        text: JSON.stringify(String(error)),
      })
      if (fate === 'dies before') throw new Died('before')
      let id: number | undefined
      try {
        await turn()
        if (op === 'delete') await run(`DELETE FROM trays WHERE ${column} = ?`, which)
        else if (op === 'create')
          ({ insertId: id } = await run(
            `INSERT INTO trays (${keys === 'natural' ? 'code, ' : ''}title, length) VALUES (${keys === 'natural' ? '?, ' : ''}?, 0)`,
            ...(keys === 'natural' ? [key] : []),
            row?.title,
          ))
        else await run(`UPDATE trays SET title = ?, length = 0 WHERE ${column} = ?`, row?.title, which)
        if (fate === 'dies within') throw new Died('within')
        if (fate === 'throws within') return failed('broke')
        await turn()
        if (op !== 'delete')
          await run(
            `UPDATE trays SET length = ? WHERE ${column} = ?`,
            row?.length,
            id === 0 ? which : (id ?? which),
          )
      } catch (error) {
        if (Reflect.get(Object(error), 'errno') === undefined) throw error
        return failed(error)
      }
      await turn()
      if (fate === 'dies') throw new Died('behind')
      if (fate === 'lost')
        throw new InvokeError(name, Object.assign(new Error('lost'), { name: 'TimeoutError' }))
      const answer = { id }
      return { is: 'answered', answer, text: JSON.stringify(answer) }
    },
  }
  const mirror = await openMirror([tray], { [tray.item.table]: 'Trays' }, [TABLES[keys]], {
    calling: (db) =>
      new CallingWriter({
        ...{ db, caller, functions: {}, deadline: new Deadline(), metrics: { count: () => {} }, log: silent },
      }),
  })
  world.legacy = mirror.legacy
  return { ...mirror, tray, keys }
}

/** A write whose title may be what is left in the end: unless one that was acknowledged has begun behind its end. */
type Written = {
  readonly title: string | undefined
  readonly begun: number
  ended: number
  acknowledged: boolean
}

/** A call that is refused, or whose caller dies, was not acknowledged. */
export const attempt = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!(error instanceof BridgeError || error instanceof Died)) throw error
  }
}

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

let plays = 0

/** One key on real servers, and the rows that legacy programs make beside it. */
export class Play {
  readonly key: string
  readonly records: unknown[] = []
  taken = 0
  births = 0
  readonly trail: string[] = []
  readonly #world: TrayWorld
  readonly #fates: Fate[]
  readonly #written: Written[] = [{ title: undefined, begun: 0, ended: 0, acknowledged: true }]
  #clock = 0
  // A function knows by a title whether it has made a row.
  readonly #number = ++plays
  /** Rows that SQL has made beside the key's, and their titles. */
  readonly beside = new Map<string, string>()
  #from = 0n
  #born: Owner | undefined

  constructor(world: TrayWorld, fates: readonly Fate[]) {
    this.#world = world
    this.#fates = [...fates]
    this.key = world.keys === 'natural' ? `tray-${randomUUID()}` : randomUUID()
  }

  async begin(): Promise<void> {
    if (this.#world.keys === 'counted') {
      const [[row]] = await this.#world.legacy.query<RowDataPacket[]>(
        'SELECT COALESCE(MAX(id), 0) AS id FROM trays',
      )
      this.#from = BigInt(String(row?.id ?? 0))
    }
  }

  #title(): string {
    return `title ${this.#number}.${++this.#clock}`
  }

  async #begun<T>(title: string | undefined, work: () => Promise<T>): Promise<T> {
    const one: Written = { title, begun: ++this.#clock, ended: Number.POSITIVE_INFINITY, acknowledged: false }
    this.#written.push(one)
    try {
      const done = await work()
      one.acknowledged = true
      return done
    } catch (error) {
      // Nothing was done of what was refused.
      if (error instanceof BridgeError && kindOf(error) === 'client')
        this.#written.splice(this.#written.indexOf(one), 1)
      throw error
    } finally {
      one.ended = ++this.#clock
    }
  }

  /** What may be there in the end. */
  ends(): readonly (string | undefined)[] {
    const all = this.#written
    return all
      .filter((one) => !all.some((other) => other.acknowledged && other.begun > one.ended))
      .map(({ title }) => title)
  }

  /** The keys whose items are looked at. */
  async #keys(): Promise<readonly string[]> {
    if (this.#world.keys === 'natural') return [this.key]
    const [rows] = await this.#world.legacy.query<RowDataPacket[]>('SELECT id FROM trays WHERE id > ?', [
      String(this.#from),
    ])
    return [this.key, ...new Set([...rows.map(({ id }) => String(id)), ...this.#seen])]
  }
  readonly #seen = new Set<string>()

  async #items(): Promise<ReadonlyMap<string, Item | undefined>> {
    const keys = await this.#keys()
    for (const key of keys) if (key !== this.key) this.#seen.add(key)
    return new Map(
      await Promise.all(
        keys.map(async (key) => [key, await this.#world.item(this.#world.tray, key)] as const),
      ),
    )
  }

  readonly #last = new Map<string, Item | undefined>()

  /** Notes what the stream has of items by now. */
  async note(): Promise<void> {
    for (const [key, after] of await this.#items()) {
      const before = this.#last.get(key)
      if (!isDeepStrictEqual(before, after))
        this.records.push(this.#world.recordOf(this.#world.tray, key, before, after))
      this.#last.set(key, after)
    }
  }

  /** Makes one call of a store, and keeps what the stream would have of it. */
  async #call<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await turn()
    try {
      return await running.run(
        {
          turn: async () => {
            await this.note()
            await turn()
          },
          fates: this.#fates,
        },
        work,
      )
    } finally {
      await this.note()
    }
  }

  async isCalled(): Promise<boolean> {
    const [rows] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT entity_key FROM backsync_calls WHERE until > UTC_TIMESTAMP(3)',
    )
    return rows.length > 0
  }

  /** The id of the key's row. */
  async #id(): Promise<string> {
    if (this.#world.keys === 'natural') return this.key
    const [[row]] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT legacy_id AS id FROM backsync_records WHERE entity_key = ?',
      [this.key],
    )
    return String(row?.id ?? 0)
  }

  /** A statement of a legacy program's on the key's row. While a function is called for it, nobody can tell the two apart. */
  async legacy(turn: Turn, does: 'update' | 'delete' | 'insert'): Promise<void> {
    await turn()
    const { legacy, keys } = this.#world
    if (does === 'insert') return this.#insert()
    if (await this.isCalled()) return
    const title = this.#title()
    const which = await this.#id()
    const run = async (statement: string, ...values: string[]): Promise<number> =>
      (await legacy.query<ResultSetHeader>(statement, values))[0].affectedRows
    const column = keys === 'natural' ? 'code' : 'id'
    try {
      const rows =
        does === 'update'
          ? await run(`UPDATE trays SET title = ? WHERE ${column} = ?`, title, which)
          : await run(`DELETE FROM trays WHERE ${column} = ?`, which)
      this.trail.push(`SQL ${does} ${which}: ${rows} as ${title}`)
      if (rows > 0) await this.#begun(does === 'update' ? title : undefined, () => Promise.resolve())
    } catch (error) {
      if (Reflect.get(Object(error), 'errno') !== SIGNALLED) throw error
      this.trail.push(`SQL ${does} ${which}: refused`)
    }
  }

  /** A row of another key; of natural keys the very one, where it isn't there. */
  async #insert(): Promise<void> {
    const { legacy, keys } = this.#world
    const title = this.#title()
    try {
      if (keys === 'counted') {
        const [{ insertId }] = await legacy.query<ResultSetHeader>(
          'INSERT INTO trays (title, length) VALUES (?, 1)',
          [title],
        )
        this.beside.set(String(insertId), title)
        this.trail.push(`SQL insert ${insertId} as ${title}`)
      } else {
        if (await this.isCalled()) return
        await legacy.query('INSERT INTO trays (code, title, length) VALUES (?, ?, 1)', [this.key, title])
        await this.#begun(title, () => Promise.resolve())
        this.births += 1
        this.trail.push(`SQL insert as ${title}`)
      }
    } catch (error) {
      if (![SIGNALLED, DUPLICATE].includes(Number(Reflect.get(Object(error), 'errno')))) throw error
    }
  }

  async client(turn: Turn, side: Owner, does: 'put' | 'delete'): Promise<void> {
    const title = this.#title()
    const { tray, keys, create, replace, remove } = this.#world
    const row = {
      ...(keys === 'natural' && { code: this.key }),
      title,
      length: new DecimalText(String(title.length)),
    }
    this.trail.push(`${side} ${does} ${title} begins`)
    await this.#begun(does === 'delete' ? undefined : title, () =>
      this.#call(turn, async () => {
        if (does === 'delete') await remove(tray, side, this.key)
        else
          await replace(tray, side, this.key, row).catch(async (error: unknown) => {
            if (Reflect.get(Object(error), 'name') !== 'NoSuchKeyError') throw error
            // A key at random is nobody else's.
            if (keys === 'counted' && this.#born !== undefined && this.#born !== side) throw error
            this.#born = side
            this.births += 1
            return create(tray, side, row, this.key)
          })
      }),
    ).then(
      () => this.trail.push(`${side} ${does} ${title} acknowledged`),
      (error: unknown) => {
        this.trail.push(
          `${side} ${does} ${title}: ${Reflect.get(Object(error), 'name')} ${Reflect.get(Object(error), 'message')}`,
        )
        throw error
      },
    )
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

  /** Moves the key, or a row that SQL has made. */
  async move(turn: Turn, to: Owner, which: number): Promise<void> {
    const keys = [this.key, ...this.beside.keys()]
    const key = keys[which % keys.length] ?? this.key
    await claim(this.#world.tray, key, to, this.sides(turn)).then(
      ({ done: how }) => this.trail.push(`${key === this.key ? 'key' : key} to ${to}: ${how}`),
      (error: unknown) => {
        this.trail.push(`${key === this.key ? 'key' : key} to ${to}: ${error}`)
        throw error
      },
    )
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
    const { relayParts, sync } = this.#world
    const { outward, takeBack } = relayParts
    const parts: RelayParts = {
      ...relayParts,
      outward: { ...outward, sink: this.#sink(turn, outward.sink) },
      changes: new TurningLog(sync.aurora.db, (work) => this.#call(turn, work)),
      takeBack: (change) => this.#call(turn, () => takeBack(change)),
    }
    let passes = 0
    // What is under a call would be waited for.
    const carried = await relay(parts, { mayBegin: () => passes++ < 2 })
    this.trail.push(`relay: ${JSON.stringify(carried)}`)
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
    this.trail.push(`delivered ${from}..${to}, failed ${batchItemFailures.length}`)
    return batchItemFailures.length === 0
  }

  async take(turn: Turn): Promise<void> {
    const to = Math.min(this.records.length, this.taken + 2)
    if (to > this.taken && (await this.deliver(turn, this.taken, to))) this.taken = Math.max(this.taken, to)
  }

  /** As if the time of all claims of calls were over. Nothing runs under them any more. */
  async later(): Promise<void> {
    await this.#world.legacy.query('UPDATE backsync_calls SET until = until - INTERVAL 60 SECOND')
    this.trail.push('all calls are over')
  }

  /** Everything from now on goes well. */
  allWell(): void {
    this.#fates.length = 0
  }

  /** Under which names what is listed. */
  async listed(): Promise<readonly string[]> {
    const { parking } = this.#world.sync.parts
    const names = ['tray', conflictsOf('tray'), outwardParkingOf('tray')]
    const all = [this.key, ...this.#seen]
    const heads = await Promise.all(
      names.map((name) =>
        parking.parkedAmong(
          name,
          all.flatMap((key) => [key, ...conflictSlots(key)]),
        ),
      ),
    )
    return names.flatMap((name, at) =>
      [...(heads[at]?.keys() ?? [])].map((key) => `${name} ${key === this.key ? 'key' : key}`),
    )
  }

  /** What is left to do, in either direction. */
  async pending(): Promise<number> {
    const [[row]] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM backsync_changes',
    )
    return Number(row?.n) + this.records.length - this.taken
  }

  /** Empties both queues. @throws Error where they don't become empty */
  async drain(): Promise<void> {
    for (let round = 0; (await this.pending()) > 0; round++) {
      if (round > 40)
        throw new Error(
          `something moves for ever: ${await this.left()}\n${this.trail.slice(0, 60).join('\n')}`,
        )
      await this.later()
      // The log of what is half moved stays until somebody asks for that move once more, as the relay says.
      if (round > 4) for (const which of [0, 1, 2, 3]) await attempt(this.move(atOnce, 'dynamo', which))
      await this.carry(atOnce)
      await this.note()
      await this.take(atOnce)
    }
  }

  async left(): Promise<string> {
    const [log] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT op, entity_key, version, owner FROM backsync_changes',
    )
    const [calls] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT entity_key, version, op, owner FROM backsync_calls',
    )
    const [records] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT entity_key, legacy_id, version, owner, epoch FROM backsync_records ORDER BY updated_at DESC LIMIT 5',
    )
    const [tombs] = await this.#world.legacy.query<RowDataPacket[]>(
      'SELECT entity_key, version, owner, epoch FROM backsync_tombstones WHERE entity_key = ?',
      [this.key],
    )
    const shown = (one: unknown) =>
      JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    const both = [
      await this.#world.sides.aurora.read(this.#world.tray, this.key),
      await this.#world.sides.dynamo.read(this.#world.tray, this.key),
    ]
    return `${shown(both)} ${JSON.stringify({ tombs, log, calls, records, records_: this.records.length - this.taken })}`
  }

  /** Rows beside the key's: those that are not in both stores as SQL has left them, and items of what is no row of its own. */
  async faultsBeside(): Promise<readonly string[]> {
    const { tray, sides } = this.#world
    const faults: string[] = []
    const own = await this.#id()
    for (const key of this.#seen) {
      const [row, item] = [await sides.aurora.read(tray, key), await sides.dynamo.read(tray, key)]
      const title = (one: typeof row) => (one.state === 'held' && one.key === key ? one.row.title : undefined)
      // What a function has left behind that was called again is a row as any other.
      const wanted = this.beside.get(key) ?? (key === own ? undefined : title(row))
      if (title(row) !== wanted || title(item) !== wanted)
        faults.push(
          `${key}${key === own ? ', the id of the key,' : ''} is ${title(row)}, ${title(item)}, not ${wanted}`,
        )
    }
    return faults
  }
}
