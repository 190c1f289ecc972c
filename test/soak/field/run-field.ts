import { setTimeout as wait } from 'node:timers/promises'
import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2/promise'
import { readItems } from '../compare/items.ts'
import { readRows } from '../compare/rows.ts'
import type { Row } from '../compare/snapshot.ts'
import { FaultSchedule } from '../faults/schedule.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import { readPositions } from '../positions.ts'
import { becomeQuiet } from '../quiet.ts'
import { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { openParking } from '../write-back.ts'
import { nameOf, readCalledBad, watchParked } from './lingering.ts'
import { FAILOVER, REFUSALS, refusedName, Scene } from './scene.ts'
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
  /** How long nothing at all may be delivered, in milliseconds. @default 240,000 */
  readonly patience?: number
  /** How long a failover lasts that rows meet, in milliseconds. @default 4,000 */
  readonly failover?: number
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
  /** How long a key was parked with which nothing is wrong, at most, in milliseconds of the streams' time. */
  readonly longestWait: number
  /** What is wrong, a line each; empty when nothing is. */
  readonly problems: readonly string[]
}

/** Stories under way at once. */
const CONCURRENCY = 24
/**
 * How long what nobody did anything wrong with may be parked, in milliseconds of the streams' time: it waits for something that is
 * on its way.
 */
const LINGERING = 10_000
/** Ids that an insert may use up: those that are rolled back, or reserved and not used, are lost. */
const IDS_PER_INSERT = 6
const ENTITIES = ['chef', 'recipe'] as const satisfies readonly SoakEntity[]

/**
 * Tells what careful, careless and legacy writers do to keys of their own, under faults; then holds each key against what
 * its story says: the same in both stores, or listed, and neither one more nor one fewer.
 */
export const runField = async (ground: Ground, options: FieldOptions): Promise<FieldResult> => {
  const { seed, patience = 240_000, failover = 4_000, progress = () => {} } = options
  const random = new Random(`field ${seed}`)
  const scene = new Scene(ground, random.fork('scene'), failover)
  const started = performance.now()
  await burden(ground)
  const tapes = [
    await Tape.open(ground, 'chef', random.fork('tape of chefs')),
    await Tape.open(ground, 'recipe', random.fork('tape of recipes')),
  ]
  const deliveredUpTo = async (): Promise<number> => {
    const positions = await readPositions(ground)
    return Math.min(...tapes.map((tape) => tape.deliveredUpTo(positions.get(tape.streamArn) ?? new Map())))
  }
  const watching = new AbortController()
  const watchers = Promise.all([
    watchParked(ground, { entities: ENTITIES, deliveredUpTo }, watching.signal),
    scene.watch(deliveredUpTo, patience, watching.signal),
  ])
  let faulty: Promise<void> | undefined
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
  const stop = new AbortController()
  const taping = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const tape of tapes) await tape.read()
      await wait(250)
    }
  }
  try {
    const telling = async (): Promise<void> => {
      endings.push(...(await restore(scene, options.restored)))
      progress(
        `restored ${options.restored} keys after ${Math.round((performance.now() - started) / 1000)} s`,
      )
      if (options.pause !== undefined) faulty = schedule.run(options.pause, stop.signal, false)
      const [, rows] = await Promise.all([
        tell(scene, options, { endings, told, progress }),
        beLegacy(scene, random.fork('legacy'), Math.min(500, options.writes / 40)),
      ])
      legacyRows = rows
    }
    await Promise.all([telling().finally(() => stop.abort()), taping()])
    await faulty
    ground.faults.clear()
    ground.proxy.clear()
    for (const tape of tapes) await tape.read()
    await becomeQuiet(ground, tapes, { landedAt, within: patience })
  } finally {
    watching.abort()
    // It has failed already where this does, too.
    await watchers.catch(() => undefined)
  }
  const [lingering] = await watchers
  const compared = await compare(ground, endings, legacyRows)
  const calledBad = await readCalledBad(ground)
  const clean = endings.filter((one) => one.clean).map(({ entity, key }) => nameOf(entity, key))
  const lingered = clean.map((name) => lingering.get(name) ?? 0)
  return {
    seed,
    engine: ground.stack.servers.mysql,
    seconds: Math.round((performance.now() - started) / 1000),
    writes: scene.writes,
    told: Object.fromEntries(told),
    faults: Object.fromEntries(schedule.fired),
    expected: endings.filter(({ ends }) => typeof ends === 'object').length,
    listed: compared.listed,
    longestWait: Math.max(0, ...lingered),
    problems: [
      ...compared.problems,
      ...clean.flatMap((name, at) => {
        const ms = lingered[at] ?? 0
        return ms > LINGERING ? [`${name}: parked for ${ms} ms though nothing is wrong with it`] : []
      }),
      ...clean.flatMap((name) => {
        const code = calledBad.get(name)
        return code === undefined ? [] : [`${name}: called bad, for ${code}, though nothing is wrong with it`]
      }),
    ],
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
    const refusals = REFUSALS.map(
      ({ state, errno }, at) => `IF NEW.cheflast = '${refusedName(at)}' THEN SIGNAL SQLSTATE '${state}'
        SET MESSAGE_TEXT = 'not in this kitchen'${errno === undefined ? '' : `, MYSQL_ERRNO = ${errno}`}; END IF;`,
    )
    for (const event of ['INSERT', 'UPDATE'])
      await sql.query(
        `CREATE TRIGGER field_refuses_${event.toLowerCase()} BEFORE ${event} ON cheftable FOR EACH ROW BEGIN
           ${refusals.join('\n')}
           IF NEW.cheflast LIKE '${FAILOVER}%'
             AND UNIX_TIMESTAMP(NOW(3)) * 1000 < CAST(SUBSTRING(NEW.cheflast, ${FAILOVER.length + 1}) AS UNSIGNED)
             THEN SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 9998; END IF; END`,
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
