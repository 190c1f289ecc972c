import { setTimeout as wait } from 'node:timers/promises'
import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2/promise'
import { readItems } from '../compare/items.ts'
import { readRows } from '../compare/rows.ts'
import type { Row } from '../compare/snapshot.ts'
import { FaultSchedule } from '../faults/schedule.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import { becomeQuiet } from '../quiet.ts'
import { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { openParking } from '../write-back.ts'
import { FAILOVER, REFUSED, Scene } from './scene.ts'
import { type Ending, type StoryName, stories, WEIGHTS } from './stories.ts'

export type FieldOptions = {
  readonly seed: number
  /** Writes of all writers together, at least. */
  readonly writes: number
  /** Ends the writing earlier, in milliseconds after its begin. @default never */
  readonly time?: number
  /** Keys that a copy brings back older than they were, in a table that is followed. */
  readonly restored: number
  /** The longest pause between two faults, in milliseconds; none: no faults. */
  readonly pause?: number
  readonly progress?: (line: string) => void
}

export type FieldResult = {
  readonly seed: number
  readonly engine: string
  readonly seconds: number
  readonly writes: number
  readonly told: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  /** Keys that must be listed, and how many are. */
  readonly expected: number
  readonly listed: number
  /** What is wrong, a line each; empty when nothing is. */
  readonly problems: readonly string[]
}

/** Stories under way at once. */
const CONCURRENCY = 24
/**
 * How long what nobody did anything wrong with may be parked, in milliseconds: it waits for something that is on its way.
 * Where servers are killed that takes as long as they are away, and the pauses of those who try again.
 */
const LINGERING = { calm: 10_000, faults: 90_000 }
/** Ids that an insert may use up: those that are rolled back, or reserved and not used, are lost. */
const IDS_PER_INSERT = 6
const ENTITIES = ['chef', 'recipe'] as const satisfies readonly SoakEntity[]

/**
 * Tells what careful, careless and legacy writers do to keys of their own, under faults; then holds each key against what
 * its story says: the same in both stores, or listed, and neither one more nor one fewer.
 */
export const runField = async (ground: Ground, options: FieldOptions): Promise<FieldResult> => {
  const { seed, progress = () => {} } = options
  const random = new Random(`field ${seed}`)
  const scene = new Scene(ground, random.fork('scene'))
  const started = performance.now()
  await burden(ground)
  const tapes = [
    await Tape.open(ground, 'chef', random.fork('tape of chefs')),
    await Tape.open(ground, 'recipe', random.fork('tape of recipes')),
  ]
  const watching = new AbortController()
  const lingering = new Map<string, number>()
  const watchers = [scene.watch(watching.signal), watchParked(ground, lingering, watching.signal)]
  let landedAt = 0
  const injections = {
    ground,
    tapes,
    random: random.fork('injections'),
    landsBy: (at: number) => {
      landedAt = Math.max(landedAt, at)
    },
  }
  const schedule = new FaultSchedule(injections, random.fork('faults'))
  const endings: Ending[] = []
  const told = new Map<StoryName, number>()
  let legacyRows: ReadonlyMap<string, readonly [string, string]> = new Map()
  try {
    endings.push(...(await restore(scene, options.restored)))
    progress(`restored ${options.restored} keys after ${Math.round((performance.now() - started) / 1000)} s`)
    const stop = new AbortController()
    const taping = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        for (const tape of tapes) await tape.read()
        await wait(250)
      }
    }
    const telling = async (): Promise<void> => {
      const [, rows] = await Promise.all([
        tell(scene, options, { endings, told, progress }),
        beLegacy(scene, random.fork('legacy'), Math.min(500, options.writes / 40)),
      ])
      legacyRows = rows
    }
    const faults =
      options.pause === undefined ? Promise.resolve() : schedule.run(options.pause, stop.signal, false)
    await Promise.all([telling().finally(() => stop.abort()), taping(), faults])
    ground.faults.clear()
    ground.proxy.clear()
    for (const tape of tapes) await tape.read()
    await becomeQuiet(ground, tapes, { landedAt, within: 240_000 })
  } finally {
    watching.abort()
    await Promise.all(watchers)
  }
  const compared = await compare(ground, endings, legacyRows)
  const late = endings
    .filter(({ clean }) => clean)
    .flatMap(({ entity, key }) => {
      const ms = lingering.get(`${entity} ${key}`) ?? 0
      return ms > LINGERING[options.pause === undefined ? 'calm' : 'faults']
        ? [`${entity} ${key}: parked for ${ms} ms though nothing is wrong with it`]
        : []
    })
  return {
    seed,
    engine: ground.stack.servers.mysql,
    seconds: Math.round((performance.now() - started) / 1000),
    writes: scene.writes,
    told: Object.fromEntries(told),
    faults: Object.fromEntries(schedule.fired),
    expected: endings.filter(({ ends }) => typeof ends === 'object').length,
    listed: compared.listed,
    problems: [...compared.problems, ...late],
  }
}

type Telling = {
  readonly endings: Ending[]
  readonly told: Map<StoryName, number>
  readonly progress: (line: string) => void
}

const isStory = (name: string): name is StoryName => Object.hasOwn(stories, name)

const tell = async (
  scene: Scene,
  { writes, seed, time = Number.POSITIVE_INFINITY }: FieldOptions,
  { endings, told, progress }: Telling,
): Promise<void> => {
  const until = performance.now() + time
  let at = 0
  let saidAt = 0
  // Each at least once, however short the run: then as often as their weights say.
  const first = scene.random.shuffle(Object.keys(WEIGHTS).filter(isStory))
  const next = async (): Promise<void> => {
    while (scene.writes < writes && performance.now() < until) {
      const name = first.pop() ?? scene.random.weighted(WEIGHTS)
      at += 1
      endings.push(...(await stories[name](scene, `f${seed}-${at}`)))
      told.set(name, (told.get(name) ?? 0) + 1)
      if (scene.writes - saidAt > 1_000) {
        saidAt = scene.writes
        progress(`${saidAt} of ${writes} writes`)
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, next))
}

/**
 * The legacy database has rules of its own: rows that it refuses in its own words, names that are taken, and a table that
 * no entity stands for.
 */
const burden = async (ground: Ground): Promise<void> => {
  const sql = await ground.sql()
  try {
    await sql.query('CREATE UNIQUE INDEX field_names ON cheftable (cheffirst, cheflast)')
    await sql.query(
      `CREATE TABLE field_notes (id BIGINT AUTO_INCREMENT PRIMARY KEY, chef_id BIGINT NULL,
         FOREIGN KEY (chef_id) REFERENCES cheftable (id) ON DELETE SET NULL)`,
    )
    for (const event of ['INSERT', 'UPDATE'])
      await sql.query(
        `CREATE TRIGGER field_refuses_${event.toLowerCase()} BEFORE ${event} ON cheftable FOR EACH ROW
           IF NEW.cheflast = '${REFUSED}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not in this kitchen';
           ELSEIF NEW.cheflast LIKE '${FAILOVER}%'
             AND UNIX_TIMESTAMP(NOW(3)) * 1000 < CAST(SUBSTRING(NEW.cheflast, ${FAILOVER.length + 1}) AS UNSIGNED)
             THEN SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 9998; END IF`,
      )
  } finally {
    await sql.end()
  }
}

/** A copy of a table, taken before its keys were written on, is brought back into it, which is followed. */
const restore = async (scene: Scene, count: number): Promise<readonly Ending[]> => {
  if (count === 0) return []
  const { ground } = scene
  const keys = Array.from({ length: count }, (_, at) => `restored-${at}`)
  const backup = `field-backup-${scene.random.int(0, 999_999)}`
  await ground.dynamodb.send(
    new CreateTableCommand({
      TableName: backup,
      AttributeDefinitions: [{ AttributeName: 'chefId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'chefId', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  const person = (lastName: string) => ({ firstName: { S: scene.name() }, lastName: { S: lastName } })
  await Promise.all(keys.map((key) => scene.put('chef', key, 1, person('sooner'))))
  await Promise.all(keys.map((key) => scene.applied('chef', key, 1)))
  await copy(ground, {
    sourceTableName: ground.tables.chef.name,
    destinationTableName: backup,
    cleanupDestinationTable: false,
    migrate: true,
  })
  await Promise.all(keys.map((key) => scene.put('chef', key, 2, person('later'))))
  await Promise.all(keys.map((key) => scene.applied('chef', key, 2)))
  await copy(ground, {
    sourceTableName: backup,
    destinationTableName: ground.tables.chef.name,
    cleanupDestinationTable: true,
    migrate: true,
  })
  scene.count(2 * count)
  return keys.map((key) => ({ entity: 'chef', key, ends: 'equal', clean: false }))
}

const copy = async (ground: Ground, event: Readonly<Record<string, unknown>>): Promise<void> => {
  const outcome = await ground.stack.invoke(String(ground.stack.outputs.CopyTableFunctionName), event)
  if (!outcome.ok) throw new Error(`the copy failed: ${outcome.error.errorMessage}`)
}

/** Rows that the legacy application alone knows. @returns what it last wrote, by id */
const beLegacy = async (
  scene: Scene,
  random: Random,
  writes: number,
): Promise<ReadonlyMap<string, readonly [string, string]>> => {
  const rows = new Map<string, readonly [string, string]>()
  for (let at = 0; at < writes; at++) {
    const names = [`legacy ${at}`, `row ${random.int(0, 999)}`] as const
    const known = [...rows.keys()]
    const kind = known.length < 5 ? 'insert' : random.weighted({ insert: 4, update: 4, delete: 2 })
    const id = known.length > 0 ? random.pick(known) : ''
    if (kind === 'insert') {
      const { insertId } = await scene.legacy(
        'INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, ?)',
        names,
      )
      rows.set(String(insertId), names)
    } else if (kind === 'update') {
      await scene.legacy('UPDATE cheftable SET cheffirst = ?, cheflast = ? WHERE id = ?', [...names, id])
      rows.set(id, names)
    } else {
      await scene.legacy('DELETE FROM cheftable WHERE id = ?', [id])
      rows.delete(id)
    }
    await wait(20)
  }
  return rows
}

/** Keeps for how long each key has been parked at once, at most. */
const watchParked = async (
  ground: Ground,
  longest: Map<string, number>,
  signal: AbortSignal,
): Promise<void> => {
  const parking = openParking(ground)
  const since = new Map<string, number>()
  while (!signal.aborted) {
    const now = performance.now()
    const there = new Set<string>()
    for (const entity of ENTITIES)
      for (const key of (await parking.parkedOf(entity)).keys()) there.add(`${entity} ${key}`)
    for (const name of there) {
      const from = since.get(name) ?? now
      since.set(name, from)
      longest.set(name, Math.max(longest.get(name) ?? 0, Math.round(now - from)))
    }
    for (const name of since.keys()) if (!there.has(name)) since.delete(name)
    await wait(1_000)
  }
}

const compare = async (
  ground: Ground,
  endings: readonly Ending[],
  legacyRows: ReadonlyMap<string, readonly [string, string]>,
): Promise<{ readonly listed: number; readonly problems: readonly string[] }> => {
  const problems: string[] = []
  const parking = openParking(ground)
  const sql = await ground.sql()
  let listed = 0
  try {
    for (const entity of ENTITIES) {
      const of = new Map(endings.filter((one) => one.entity === entity).map((one) => [one.key, one]))
      const [items, rows, heads] = await Promise.all([
        readItems(ground.dynamodb, ground.tables[entity].name, entity),
        readRows(sql, entity),
        parking.parkedOf(entity),
      ])
      listed += heads.size
      for (const [key, { code }] of heads) {
        const ends = of.get(key)?.ends
        if (ends === undefined || ends === 'equal')
          problems.push(`${entity} ${key}: listed as ${code}, and must not be`)
        else if (!ends.listed.test(code))
          problems.push(`${entity} ${key}: listed as ${code}, expected ${ends.listed}`)
      }
      for (const [key, { ends }] of of) {
        if (typeof ends === 'object') {
          if (!heads.has(key)) problems.push(`${entity} ${key}: not listed, and must be`)
        } else if (!areEqual(items.get(key), rows.get(key)))
          problems.push(
            `${entity} ${key}: item ${JSON.stringify(items.get(key))}, row ${JSON.stringify(rows.get(key))}`,
          )
      }
      const known = new Set([...of.keys(), ...(entity === 'chef' ? legacyRows.keys() : [])])
      for (const key of [...items.keys(), ...rows.keys()])
        if (!known.has(key)) problems.push(`${entity} ${key}: nobody wrote it`)
    }
    for (const [key, { code }] of await parking.parkedOf('users-by-city'))
      problems.push(`users-by-city ${key}: listed as ${code}, and must not be`)
    const [chefs] = await sql.query<RowDataPacket[]>(
      'SELECT CAST(id AS CHAR) AS id, cheffirst, cheflast FROM cheftable WHERE backsync_key IS NULL',
    )
    const found = new Map(chefs.map(({ id, cheffirst, cheflast }) => [String(id), [cheffirst, cheflast]]))
    for (const [id, names] of legacyRows)
      if (JSON.stringify(found.get(id)) !== JSON.stringify(names))
        problems.push(
          `the legacy row ${id} is ${JSON.stringify(found.get(id))}, not ${JSON.stringify(names)}`,
        )
    const [[largest]] = await sql.query<RowDataPacket[]>('SELECT CAST(MAX(id) AS CHAR) AS id FROM cheftable')
    const most = (endings.length + legacyRows.size) * IDS_PER_INSERT + 1_000
    if (Number(largest?.id ?? 0) > most) problems.push(`the largest id of a chef is ${largest?.id}`)
  } finally {
    await sql.end()
  }
  return { listed, problems }
}

const areEqual = (item: Row | undefined, row: Row | undefined): boolean =>
  item === undefined || row === undefined
    ? item === row
    : Object.keys(item).every(
        (name) => item[name] === row[name] || (name === 'updatedAt' && item[name] === null),
      )
