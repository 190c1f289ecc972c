import { setTimeout as wait } from 'node:timers/promises'
import { type AttributeValue, paginateScan } from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2/promise'
import { conflictSlots } from '../../../functions/bridge/ports/conflict-slots.ts'
import { readItems } from '../compare/items.ts'
import { readRows } from '../compare/rows.ts'
import type { Row } from '../compare/snapshot.ts'
import { FaultSchedule } from '../faults/schedule.ts'
import { comesTrue } from '../faults/until-true.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import { becomeQuiet } from '../quiet.ts'
import { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { openParking } from '../write-back.ts'
import { breakMirror } from './mirror-faults.ts'
import { BothWriters, listOf, type Move, rowOf } from './writers.ts'

export type BothOptions = {
  readonly seed: number
  /** Writes a second, at most. */
  readonly rate: number
  /** How long is written, in milliseconds. */
  readonly time: number
  /** The longest pause between two faults, in milliseconds; none: no faults. */
  readonly pause?: number
  /** Moves keys, through the functions that the product does it with. */
  readonly move: Move
  readonly progress?: (line: string) => void
}

export type BothResult = {
  readonly seed: number
  readonly engine: string
  readonly seconds: number
  readonly acknowledged: number
  readonly counts: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly keys: number
  /** Keys that each store owns in the end, and those that are listed. */
  readonly owned: Readonly<Record<'aurora' | 'dynamo' | 'listed', number>>
  readonly quietAfterSeconds: number
  /** What is wrong, a line each; empty when nothing is. */
  readonly problems: readonly string[]
}

const ENTITIES = ['chef', 'recipe'] as const satisfies readonly SoakEntity[]
const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const
const TABLES = { chef: 'cheftable', recipe: 'recipetable' } as const
/** How long nothing may happen of which nobody is the cause, in milliseconds. */
const QUIET_MS = 5_000
const SETTLED_MS = 240_000

/** Writes on both sides of the same keys, moves them, injects faults; then holds each key against what was acknowledged. */
export const runBoth = async (ground: Ground, options: BothOptions): Promise<BothResult> => {
  const { seed, rate, time, pause, move, progress = () => {} } = options
  const random = new Random(`both ${seed}`)
  const tapes = [
    await Tape.open(ground, 'chef', random.fork('tape of chefs')),
    await Tape.open(ground, 'recipe', random.fork('tape of recipes')),
  ]
  let landedAt = 0
  const landsBy = (at: number): void => {
    landedAt = Math.max(landedAt, at)
  }
  const scene = { ground, tapes, random: random.fork('injections'), landsBy }
  const schedule = new FaultSchedule(scene, random.fork('faults'))
  const writers = new BothWriters(ground, random.fork('writers'), { run: `both${seed}`, move })
  const started = performance.now()
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), time)
  const told = setInterval(() => progress(`${writers.written} writes`), 10_000)
  const taping = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const tape of tapes) await tape.read()
      await wait(250)
    }
  }
  const breaking =
    pause === undefined
      ? undefined
      : breakMirror(ground, random.fork('faults of the mirror'), { pause, signal: stop.signal })
  try {
    await Promise.all([
      writers.run(rate, stop.signal),
      taping(),
      pause === undefined ? Promise.resolve() : schedule.run(pause, stop.signal, false),
      breaking,
    ])
  } finally {
    stop.abort()
    clearTimeout(timer)
    clearInterval(told)
    ground.faults.clear()
    ground.proxy.clear()
  }
  const quietFrom = performance.now()
  const problems: string[] = []
  for (const tape of tapes) await tape.read()
  await becomeQuiet(ground, tapes, { landedAt, within: SETTLED_MS })
  problems.push(...(await completeMoves(ground, move)))
  if (!(await comesTrue(SETTLED_MS, async () => (await logged(ground)) === 0)))
    problems.push(`${await logged(ground)} rows are still in the log`)
  await becomeQuiet(ground, tapes, { landedAt, within: SETTLED_MS })
  const quietAfterSeconds = (performance.now() - quietFrom) / 1000
  problems.push(...(await echoes(ground, tapes)))
  const compared = await compare(ground, writers)
  return {
    seed,
    engine: ground.stack.servers.mysql,
    seconds: Math.round((performance.now() - started) / 1000),
    acknowledged: writers.written,
    counts: Object.fromEntries([...writers.counts].toSorted()),
    faults: { ...Object.fromEntries(schedule.fired), ...(await breaking) },
    ...compared,
    quietAfterSeconds: Math.round(quietAfterSeconds * 10) / 10,
    problems: [...problems, ...compared.problems],
  }
}

/** Whoever moved a key may have died half way: anybody may go on with that, and until then nobody owns it. */
const completeMoves = async (ground: Ground, move: Move): Promise<string[]> => {
  const problems: string[] = []
  for (const entity of ENTITIES) {
    const items = await ownersOfItems(ground, entity)
    // A row's record counts before its tombstone.
    const records = new Map([
      ...(await ownersOfTombstones(ground, entity)),
      ...(await ownersOfRows(ground, entity)),
    ])
    for (const [key, owner] of records)
      if (items.has(key) && items.get(key) !== owner)
        try {
          await move(entity, key, owner)
        } catch (error) {
          // A conflict is listed by that; anything else is not as it should be.
          const code = String(Reflect.get(Object(error), 'code') ?? error)
          if (code !== 'claim.conflict')
            problems.push(`${entity} ${key}: half a move can't be completed: ${code}`)
        }
  }
  return problems
}

const logged = async (ground: Ground): Promise<number> => {
  const sql = await ground.sql()
  try {
    const [[row]] = await sql.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM backsync_changes')
    return Number(row?.n ?? 0)
  } finally {
    await sql.end()
  }
}

/** What happens though nobody writes: a change that goes to and fro. */
const echoes = async (ground: Ground, tapes: readonly Tape[]): Promise<string[]> => {
  const before = tapes.reduce((sum, { seen }) => sum + seen, 0)
  await wait(QUIET_MS)
  for (const tape of tapes) await tape.read()
  const records = tapes.reduce((sum, { seen }) => sum + seen, 0) - before
  const rows = await logged(ground)
  return [
    ...(records > 0 ? [`${records} records came though nobody wrote`] : []),
    ...(rows > 0 ? [`${rows} rows were logged though nobody wrote`] : []),
  ]
}

type Compared = Pick<BothResult, 'keys' | 'owned' | 'problems'>

const compare = async (ground: Ground, { book }: BothWriters): Promise<Compared> => {
  const problems: string[] = []
  const owned = { aurora: 0, dynamo: 0, listed: 0 }
  let keys = 0
  const parking = openParking(ground)
  const sql = await ground.sql()
  try {
    for (const entity of ENTITIES) {
      const [items, rows, itemOwners, rowOwners] = [
        await readItems(ground.dynamodb, ground.tables[entity].name, entity),
        await readRows(sql, entity),
        await ownersOfItems(ground, entity),
        await ownersOfRows(ground, entity),
      ]
      const written = [...book.registers].flatMap((register) => {
        const [of, key = '', list] = register.split(' ')
        return of === entity && list === undefined ? [key] : []
      })
      for (const key of new Set([...items.keys(), ...rows.keys(), ...written])) {
        keys += 1
        const [item, row] = [items.get(key), rows.get(key)]
        const listed = await isListed(parking, entity, key)
        const owner = itemOwners.get(key) ?? rowOwners.get(key) ?? 'aurora'
        const faults = [
          ...differing(item, row),
          ...(item !== undefined && row !== undefined && itemOwners.get(key) !== rowOwners.get(key)
            ? [`the item says ${itemOwners.get(key)}, the row ${rowOwners.get(key)}`]
            : []),
        ]
        if (listed) owned.listed += 1
        else {
          owned[owner] += 1
          const held = owner === 'dynamo' ? item : row
          const text = entity === 'chef' ? held?.lastName : held?.title
          const lost = [
            book.fault(rowOf({ entity, key }), text ?? null),
            ...(entity === 'recipe' && held !== undefined
              ? [book.fault(listOf({ entity, key }), firstName(held.ingredients))]
              : []),
          ].filter((one) => one !== undefined)
          problems.push(...lost.map((one) => `${one}: ${book.history(rowOf({ entity, key }))}`))
          if (faults.length > 0)
            problems.push(
              `${entity} ${key}: ${faults.join(', ')}; item ${JSON.stringify(item)}, row ${JSON.stringify(row)}`,
            )
        }
      }
    }
  } finally {
    await sql.end()
  }
  return { keys, owned, problems }
}

const differing = (item: Row | undefined, row: Row | undefined): string[] => {
  if (item === undefined || row === undefined) return item === row ? [] : [item ? 'no row' : 'no item']
  // Plain SQL doesn't say of a new row when it was made: the log does.
  const isUntold = (name: string): boolean =>
    name === 'updatedAt' && (item[name] === null || row[name] === null)
  return Object.keys(item).filter((name) => item[name] !== row[name] && !isUntold(name))
}

const firstName = (ingredients: string | null | undefined): string | null => {
  const list: unknown = JSON.parse(ingredients ?? '[]')
  const [first] = Array.isArray(list) ? list : []
  return Array.isArray(first) ? String(first[1]) : null
}

/** Whether a key is parked, in conflict, or waits in either direction. */
const isListed = async (
  parking: ReturnType<typeof openParking>,
  entity: SoakEntity,
  key: string,
): Promise<boolean> => {
  for (const name of [entity, `${entity}.conflicts`, `${entity}.mirror`])
    if ((await parking.parkedAmong(name, [key, ...conflictSlots(key)])).size > 0) return true
  return false
}

const ownersOfItems = async (
  ground: Ground,
  entity: SoakEntity,
): Promise<Map<string, 'aurora' | 'dynamo'>> => {
  const owners = new Map<string, 'aurora' | 'dynamo'>()
  const pages = paginateScan(
    { client: ground.dynamodb },
    { TableName: ground.tables[entity].name, ConsistentRead: true },
  )
  for await (const { Items = [] } of pages)
    for (const item of Items) {
      const owner: AttributeValue | undefined = item.backsync_owner
      owners.set(item[KEYS[entity]]?.S ?? '', owner?.S === 'aurora' ? 'aurora' : 'dynamo')
    }
  return owners
}

const ownersOfTombstones = async (
  ground: Ground,
  entity: SoakEntity,
): Promise<Map<string, 'aurora' | 'dynamo'>> => {
  const sql = await ground.sql()
  try {
    const [rows] = await sql.query<RowDataPacket[]>(
      'SELECT entity_key AS k, owner FROM backsync_tombstones WHERE entity = ?',
      [entity],
    )
    return new Map(rows.map(({ k, owner }) => [String(k), owner === 'dynamo' ? 'dynamo' : 'aurora']))
  } finally {
    await sql.end()
  }
}

const ownersOfRows = async (
  ground: Ground,
  entity: SoakEntity,
): Promise<Map<string, 'aurora' | 'dynamo'>> => {
  const sql = await ground.sql()
  try {
    const [rows] = await sql.query<RowDataPacket[]>(
      `SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, backsync_owner AS owner FROM ${TABLES[entity]}`,
    )
    return new Map(rows.map(({ k, owner }) => [String(k), owner === 'dynamo' ? 'dynamo' : 'aurora']))
  } finally {
    await sql.end()
  }
}
