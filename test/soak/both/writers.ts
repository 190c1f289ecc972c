import { setTimeout as wait } from 'node:timers/promises'
import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Owner } from '../../../functions/bridge/model/owner.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import type { Random } from '../random.ts'
import { Book, type Ending, type Open } from './book.ts'

const TABLES = { chef: 'cheftable', recipe: 'recipetable' } as const
const COLUMNS = { chef: 'cheflast', recipe: 'title' } as const
const PATHS = { chef: 'chefs', recipe: 'recipes' } as const
const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const
const CONCURRENCY = 12
/** Keys of an entity that are alive at once. */
const MOST = { chef: 80, recipe: 120 } as const
const TIMEOUT_MS = 35_000
/** A SIGNAL of a trigger's own. */
const SIGNALLED = 1644

/** How much of each write there is: plain SQL, both APIs, items past the API, and moves. */
const WEIGHTS = {
  'SQL insert': 8,
  'SQL update': 16,
  'SQL update of the list': 6,
  'SQL delete': 4,
  'SQL replace': 4,
  'SQL insert on duplicate key': 4,
  'SQL in bulk': 4,
  'SQL transaction': 5,
  'SQL of nothing that is mapped': 3,
  'POST at aurora': 4,
  'PUT at aurora': 12,
  'DELETE at aurora': 2,
  'POST at dynamo': 6,
  'PUT at dynamo': 14,
  'DELETE at dynamo': 3,
  'item past the API': 6,
  claim: 12,
} as const
type Kind = keyof typeof WEIGHTS

type Known = { readonly entity: SoakEntity; readonly key: string }

/**
 * Moves a key.
 *
 * @param diesAt which of its steps it no longer makes: what stands half done is for the next one to go on with
 * @throws whatever keeps it from that
 */
export type Move = (entity: SoakEntity, key: string, to: Owner, diesAt?: number) => Promise<void>

/** The register of a key's row, and that of its list. */
export const rowOf = ({ entity, key }: Known): string => `${entity} ${key}`
export const listOf = ({ entity, key }: Known): string => `${entity} ${key} list`

/** Legacy programs, clients of both APIs and writers of items, on the same keys at once. */
export class BothWriters {
  readonly book = new Book()
  readonly counts = new Map<string, number>()
  readonly #ground: Ground
  readonly #random: Random
  readonly #move: Move
  readonly #known = new Map<SoakEntity, Known[]>([
    ['chef', []],
    ['recipe', []],
  ])
  /** Items that are written past the API, each by one writer. */
  readonly #raw: { readonly key: string; version: number; busy: boolean }[]
  readonly #connections: Connection[] = []

  constructor(ground: Ground, random: Random, { run, move }: { readonly run: string; readonly move: Move }) {
    this.#ground = ground
    this.#random = random
    this.#move = move
    this.#raw = Array.from({ length: 20 }, (_, at) => ({ key: `${run}-${at}`, version: 0, busy: false }))
  }

  get written(): number {
    return this.book.acknowledged
  }

  /** Writes until the signal aborts. @param rate writes a second, at most */
  async run(rate: number, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    let begun = 0
    const lane = async (): Promise<void> => {
      while (!signal.aborted) {
        const ahead = (begun / rate) * 1000 - (performance.now() - started)
        if (ahead > 0) await wait(ahead)
        begun += 1
        await this.#step()
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, lane))
    for (const one of this.#connections.splice(0)) one.destroy()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const entity = random.chance(0.5) ? 'chef' : 'recipe'
    const kind = this.#fitting(random.weighted(WEIGHTS), entity)
    this.#count(kind)
    const one = this.#pick(entity)
    if (kind === 'item past the API') return this.#item()
    if (kind === 'SQL insert') return this.#insert(entity)
    if (kind === 'POST at aurora' || kind === 'POST at dynamo') return this.#post(entity, sideOf(kind))
    if (one === undefined) return
    switch (kind) {
      case 'claim':
        return this.#claim(one)
      case 'PUT at aurora':
      case 'PUT at dynamo':
        return this.#put(one, sideOf(kind))
      case 'DELETE at aurora':
      case 'DELETE at dynamo':
        return this.#remove(one, sideOf(kind))
      case 'SQL update':
        return this.#sql([one], (sql, value) => this.#update(sql, one, value))
      case 'SQL update of the list':
        return this.#list(one)
      case 'SQL delete':
        return this.#delete(one)
      case 'SQL in bulk':
        return this.#bulk(entity)
      case 'SQL transaction':
        return this.#transaction(one)
      case 'SQL of nothing that is mapped':
        await this.#quietly((sql) =>
          sql.query(`UPDATE ${TABLES[entity]} SET unmapped = COALESCE(unmapped, 0) + 1 WHERE ${where(one)}`, [
            one.key,
          ]),
        )
        return
      default:
        return this.#overwrite(one, kind)
    }
  }

  /** What makes more of what there is enough of becomes something else. */
  #fitting(kind: Kind, entity: SoakEntity): Kind {
    const isMaking = kind === 'SQL insert' || kind.startsWith('POST')
    const count = this.#known.get(entity)?.length ?? 0
    if (isMaking && count >= MOST[entity]) return 'SQL update'
    return kind
  }

  #pick(entity: SoakEntity): Known | undefined {
    const known = this.#known.get(entity) ?? []
    // The first few are the hot ones.
    return known[Math.floor(this.#random.next() ** 2 * known.length)]
  }

  #knows(one: Known): void {
    this.#known.get(one.entity)?.push(one)
  }

  #forgets({ entity, key }: Known): void {
    const known = this.#known.get(entity) ?? []
    const at = known.findIndex((one) => one.key === key)
    if (at >= 0) known.splice(at, 1)
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  // --- plain SQL -------------------------------------------------------------------------------------------------

  /** Runs a statement or several on a connection of its own. @returns undefined where nobody knows what it did */
  async #on<T>(
    work: (sql: Connection) => Promise<T>,
  ): Promise<{ readonly done: T } | Exclude<Ending, 'acknowledged'>> {
    let sql: Connection | undefined
    try {
      sql = this.#connections.pop() ?? (await this.#ground.sql())
    } catch {
      // The server is down: nothing was sent.
      return 'refused'
    }
    try {
      const done = await work(sql)
      this.#connections.push(sql)
      return { done }
    } catch (error) {
      const errno = Number(Reflect.get(Object(error), 'errno') ?? 0)
      if (errno === SIGNALLED) this.#count('SQL refused by a trigger')
      // What the server says of a statement it has undone; a broken connection says nothing.
      const isUndone = errno >= 1000 && errno < 2000
      if (isUndone) {
        await sql.query('ROLLBACK').catch(() => {})
        this.#connections.push(sql)
        if (errno !== SIGNALLED) this.#count(`SQL refused: ${errno}`)
        return 'refused'
      }
      sql.destroy()
      this.#count('SQL without an answer')
      return 'unknown'
    }
  }

  async #quietly(work: (sql: Connection) => Promise<unknown>): Promise<void> {
    await this.#on(work)
  }

  /** One write of some registers by plain SQL. @param work tells whether it wrote them */
  async #sql(
    of: readonly Known[],
    work: (sql: Connection, value: string) => Promise<boolean>,
    {
      gone = false,
      registers = of.map(rowOf),
    }: { readonly gone?: boolean; readonly registers?: readonly string[] } = {},
  ): Promise<void> {
    const value = Book.value()
    const open = registers.map((name) => this.book.begin(name, gone ? null : value, 'SQL'))
    const answer = await this.#on((sql) => work(sql, value))
    end(open, typeof answer === 'string' ? answer : answer.done ? 'acknowledged' : 'refused')
  }

  async #update(sql: Connection, one: Known, value: string): Promise<boolean> {
    const { entity, key } = one
    const [{ affectedRows }] = await sql.execute<ResultSetHeader>(
      `UPDATE ${TABLES[entity]} SET ${COLUMNS[entity]} = ? WHERE ${where(one)}`,
      [value, key],
    )
    return affectedRows > 0
  }

  async #insert(entity: SoakEntity): Promise<void> {
    const value = Book.value()
    const from = performance.now()
    const answer = await this.#on(async (sql) => {
      if (entity === 'chef') {
        const [{ insertId }] = await sql.execute<ResultSetHeader>(
          'INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, ?)',
          ['SQL', value],
        )
        return String(insertId)
      }
      const [[chef]] = await sql.query<RowDataPacket[]>('SELECT id FROM cheftable ORDER BY RAND() LIMIT 1')
      if (chef === undefined) return undefined
      await sql.beginTransaction()
      const [{ insertId }] = await sql.execute<ResultSetHeader>(
        'INSERT INTO recipetable (chef_id, title) VALUES (?, ?)',
        [String(chef.id), value],
      )
      await sql.execute('INSERT INTO recipe_ingredients (recipe_id, position, name) VALUES (?, 1, ?)', [
        insertId,
        value,
      ])
      await sql.commit()
      return String(insertId)
    })
    if (answer === 'unknown') this.book.astray(value)
    if (typeof answer === 'string' || answer.done === undefined) return
    const one = { entity, key: answer.done }
    end(
      this.#registers(one).map((name) => this.book.begin(name, value, 'SQL insert', from)),
      'acknowledged',
    )
    this.#knows(one)
  }

  async #list(one: Known): Promise<void> {
    if (one.entity === 'chef') return
    await this.#sql(
      [one],
      async (sql, value) => {
        const id = await idOf(sql, one)
        if (id === undefined) return false
        const [{ affectedRows }] = await sql.execute<ResultSetHeader>(
          'UPDATE recipe_ingredients SET name = ? WHERE recipe_id = ? AND position = 1',
          [value, id],
        )
        return affectedRows > 0
      },
      { registers: [listOf(one)] },
    )
  }

  async #delete(one: Known): Promise<void> {
    if (one.entity === 'chef') return this.#deleteChef(one)
    let isGone = false
    await this.#sql(
      [one],
      async (sql) => {
        const [{ affectedRows }] = await sql.execute<ResultSetHeader>(
          `DELETE FROM recipetable WHERE ${where(one)}`,
          [one.key],
        )
        isGone = affectedRows > 0
        return isGone
      },
      { gone: true, registers: [rowOf(one), listOf(one)] },
    )
    if (isGone) this.#forgets(one)
  }

  /** The foreign key takes the recipes along. */
  async #deleteChef(one: Known): Promise<void> {
    const recipes: Known[] = []
    const open: Open[] = [this.book.begin(rowOf(one), null, 'SQL delete')]
    const answer = await this.#on(async (sql) => {
      await sql.beginTransaction()
      const [[chef]] = await sql.execute<RowDataPacket[]>(
        `SELECT CAST(id AS CHAR) AS id FROM cheftable WHERE ${where(one)} FOR UPDATE`,
        [one.key],
      )
      if (chef === undefined) {
        await sql.rollback()
        return false
      }
      const [rows] = await sql.execute<RowDataPacket[]>(
        'SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k FROM recipetable WHERE chef_id = ? FOR UPDATE',
        [chef.id],
      )
      recipes.push(...rows.map(({ k }) => ({ entity: 'recipe' as const, key: String(k) })))
      open.push(
        ...recipes.flatMap((recipe) =>
          [rowOf(recipe), listOf(recipe)].map((name) => this.book.begin(name, null, 'SQL cascade')),
        ),
      )
      await sql.execute('DELETE FROM cheftable WHERE id = ?', [chef.id])
      await sql.commit()
      return true
    })
    end(open, typeof answer === 'string' ? answer : answer.done ? 'acknowledged' : 'refused')
    if (typeof answer === 'string' || !answer.done) return
    this.#count('SQL cascade')
    for (const each of [one, ...recipes]) this.#forgets(each)
  }

  /** REPLACE and INSERT ... ON DUPLICATE KEY UPDATE of a row that is there. */
  async #overwrite(one: Known, kind: Kind): Promise<void> {
    const { entity, key } = one
    // REPLACE deletes the row first: a chef's would take the recipes along.
    if (entity === 'recipe' || !/^\d+$/.test(key)) return
    await this.#sql([one], async (sql, value) => {
      const id = await idOf(sql, one)
      if (id === undefined) return false
      if (kind === 'SQL replace') {
        await sql.beginTransaction()
        // Nobody gives it a recipe meanwhile.
        const [used] = await sql.execute<RowDataPacket[]>(
          'SELECT id FROM recipetable WHERE chef_id = ? FOR UPDATE',
          [id],
        )
        const isDone =
          used.length > 0 ? await this.#update(sql, one, value) : await replaceChef(sql, id, value)
        await sql.commit()
        return isDone
      }
      await sql.execute(
        `INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (?, 'SQL', ?)
         ON DUPLICATE KEY UPDATE cheflast = VALUES(cheflast)`,
        [id, value],
      )
      return true
    })
  }

  async #bulk(entity: SoakEntity): Promise<void> {
    const many = new Map(
      Array.from({ length: this.#random.int(3, 12) }, () => this.#pick(entity))
        .filter((one) => one !== undefined)
        .map((one) => [one.key, one]),
    )
    if (many.size === 0) return
    const value = Book.value()
    const open = new Map(
      [...many.values()].map((one) => [one.key, this.book.begin(rowOf(one), value, 'SQL bulk')]),
    )
    const answer = await this.#on(async (sql) => {
      await sql.beginTransaction()
      const which = `COALESCE(backsync_key, CAST(id AS CHAR)) IN (${[...many].map(() => '?').join()})`
      const [rows] = await sql.execute<RowDataPacket[]>(
        `SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k FROM ${TABLES[entity]}
         WHERE ${which} AND NOT (backsync_owner <=> 'dynamo') FOR UPDATE`,
        [...many.keys()],
      )
      await sql.execute(
        `UPDATE ${TABLES[entity]} SET ${COLUMNS[entity]} = ? WHERE ${which} AND NOT (backsync_owner <=> 'dynamo')`,
        [value, ...many.keys()],
      )
      await sql.commit()
      return new Set(rows.map(({ k }) => String(k)))
    })
    for (const [key, one] of open)
      one.end(typeof answer === 'string' ? answer : answer.done.has(key) ? 'acknowledged' : 'refused')
  }

  /** Two rows and the end of a transaction, which is a rollback now and then. */
  async #transaction(one: Known): Promise<void> {
    const other = this.#pick(one.entity === 'chef' ? 'recipe' : 'chef')
    const isUndone = this.#random.chance(0.25)
    const pause = this.#random.int(0, 60)
    const both = other === undefined ? [one] : [one, other]
    await this.#sql(both, async (sql, value) => {
      await sql.beginTransaction()
      for (const each of both)
        if (!(await this.#update(sql, each, value))) {
          await sql.rollback()
          return false
        }
      await wait(pause)
      await (isUndone ? sql.rollback() : sql.commit())
      return !isUndone
    })
  }

  // --- the APIs --------------------------------------------------------------------------------------------------

  async #call(side: Owner, entity: SoakEntity, method: string, key?: string, body?: object) {
    const path = `${this.#ground.stack.url}/${side}/${PATHS[entity]}${key === undefined ? '' : `/${encodeURIComponent(key)}`}`
    try {
      const response = await fetch(path, {
        method,
        headers: body ? { 'content-type': 'application/json' } : {},
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const text = await response.text()
      const answer: unknown = text === '' ? {} : JSON.parse(text)
      this.#count(`${side} answered ${response.status}`)
      return { status: response.status, key: String(Reflect.get(Object(answer), KEYS[entity]) ?? key) }
    } catch {
      this.#count(`${side} did not answer`)
      return { status: 0, key: key ?? '' }
    }
  }

  #body(entity: SoakEntity, value: string): object | undefined {
    if (entity === 'chef') return { firstName: 'API', lastName: value }
    const chef = this.#pick('chef')
    return chef && { chefId: chef.key, title: value, ingredients: [{ name: value }] }
  }

  #registers(one: Known): readonly string[] {
    return one.entity === 'chef' ? [rowOf(one)] : [rowOf(one), listOf(one)]
  }

  async #post(entity: SoakEntity, side: Owner): Promise<void> {
    const value = Book.value()
    const body = this.#body(entity, value)
    if (body === undefined) return
    const from = performance.now()
    const { status, key } = await this.#call(side, entity, 'POST', undefined, body)
    if (endingOf(status) === 'unknown') this.book.astray(value)
    if (status !== 201) return
    const one = { entity, key }
    end(
      this.#registers(one).map((name) => this.book.begin(name, value, `POST at ${side}`, from)),
      'acknowledged',
    )
    this.#knows(one)
  }

  async #put(one: Known, side: Owner): Promise<void> {
    const value = Book.value()
    const body = this.#body(one.entity, value)
    if (body === undefined) return
    const open = this.#registers(one).map((name) => this.book.begin(name, value, `PUT at ${side}`))
    const { status } = await this.#call(side, one.entity, 'PUT', one.key, body)
    end(open, endingOf(status))
  }

  async #remove(one: Known, side: Owner): Promise<void> {
    // The foreign key would take the recipes along, and the answer doesn't say which.
    if (one.entity === 'chef' && side === 'aurora') return
    const open = this.#registers(one).map((name) => this.book.begin(name, null, `DELETE at ${side}`))
    const { status } = await this.#call(side, one.entity, 'DELETE', one.key)
    end(open, endingOf(status))
    if (status === 204) this.#forgets(one)
  }

  // --- items past the API, and moves -------------------------------------------------------------------------------

  /** A writer of items that counts its versions, and asks whose a key is. */
  async #item(): Promise<void> {
    const free = this.#raw.filter(({ busy }) => !busy)
    if (free.length === 0) return
    const raw = this.#random.pick(free)
    const one: Known = { entity: 'chef', key: raw.key }
    const { dynamodb, tables } = this.#ground
    const value = Book.value()
    const open = this.book.begin(rowOf(one), value, 'item')
    raw.busy = true
    try {
      const at = new Date().toISOString()
      if (raw.version === 0) {
        await dynamodb.send(
          new PutItemCommand({
            TableName: tables.chef.name,
            Item: {
              chefId: { S: raw.key },
              ...{ firstName: { S: 'item' }, lastName: { S: value } },
              ...{ version: { N: '1' }, updatedAt: { S: at } },
            },
            ConditionExpression: 'attribute_not_exists(chefId)',
          }),
        )
        raw.version = 1
        open.end('acknowledged')
        this.#knows(one)
        return
      }
      await dynamodb.send(
        new UpdateItemCommand({
          TableName: tables.chef.name,
          Key: { chefId: { S: raw.key } },
          UpdateExpression: 'SET lastName = :value, updatedAt = :at ADD version :one',
          ConditionExpression:
            'attribute_exists(chefId) AND attribute_not_exists(backsync_deleted) AND (attribute_not_exists(backsync_owner) OR backsync_owner = :dynamo)',
          ExpressionAttributeValues: {
            ':value': { S: value },
            ':at': { S: at },
            ':one': { N: '1' },
            ':dynamo': { S: 'dynamo' },
          },
        }),
      )
      open.end('acknowledged')
    } catch (error) {
      open.end(error instanceof ConditionalCheckFailedException ? 'refused' : 'unknown')
    } finally {
      raw.busy = false
    }
  }

  async #claim({ entity, key }: Known): Promise<void> {
    const to = this.#random.chance(0.5) ? 'aurora' : 'dynamo'
    try {
      await this.#move(entity, key, to, this.#random.chance(0.3) ? this.#random.int(1, 3) : undefined)
      this.#count(`moved to ${to}`)
    } catch (error) {
      this.#count(`not moved: ${String(Reflect.get(Object(error), 'code') ?? error)}`)
    }
  }
}

const end = (open: readonly Open[], ending: Ending): void => {
  for (const one of open) one.end(ending)
}

/** A client error has written nothing; of anything else nobody knows. */
const endingOf = (status: number): Ending =>
  status >= 200 && status < 300 ? 'acknowledged' : status >= 400 && status < 500 ? 'refused' : 'unknown'

const sideOf = (kind: string): Owner => (kind.endsWith('aurora') ? 'aurora' : 'dynamo')

const replaceChef = async (sql: Connection, id: string, value: string): Promise<boolean> => {
  await sql.execute("REPLACE INTO cheftable (id, cheffirst, cheflast) VALUES (?, 'SQL', ?)", [id, value])
  return true
}

/** Finds a row by its key, or by its id where it has none. */
const where = ({ key }: Known): string =>
  /^\d+$/.test(key) ? 'id = ? AND backsync_key IS NULL' : 'backsync_key = ?'

const idOf = async (sql: Connection, one: Known): Promise<string | undefined> => {
  const [[row]] = await sql.execute<RowDataPacket[]>(
    `SELECT CAST(id AS CHAR) AS id FROM ${TABLES[one.entity]} WHERE ${where(one)}`,
    [one.key],
  )
  return row === undefined ? undefined : String(row.id)
}
