import { setTimeout as wait } from 'node:timers/promises'
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import type { Ground, SoakEntity } from '../ground.ts'
import type { Random } from '../random.ts'
import { openParking } from '../write-back.ts'

/** How long a story waits for what another store has to say, in ms: every fault there is may hold that up. */
const PATIENCE = 300_000
/**
 * How long it waits until Aurora has what it wrote, in ms of the streams' time: so much of what was written after it has been
 * delivered by then. What must be lifted, or waits for something, comes a little later.
 */
const DELIVERED = 30_000
const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const
const TABLES = { chef: 'cheftable', recipe: 'recipetable' } as const
/**
 * How a trigger of the legacy database refuses a row: with a state, and a number of its own, which may be any, such as that of
 * a deadlock, or of a right that is missing. Where it names none it is `SIGNALLED`.
 */
export const REFUSALS: readonly { readonly state: string; readonly errno?: number }[] = [
  { state: '45000' },
  { state: '45000', errno: 1213 },
  { state: '22003', errno: 9001 },
  { state: '23000', errno: 9002 },
  { state: '44000', errno: 9003 },
  { state: 'HY000', errno: 9004 },
  { state: '42000', errno: 1142 },
]
const SIGNALLED = 1644
/** The name of a row that is refused in one of these ways. */
export const refusedName = (at: number): string => `REFUSED ${at}`
/** Begins the name of one at which it answers as in a failover, until the time in milliseconds that stands behind it. */
export const FAILOVER = 'failover until '

/** A row that the legacy database refuses: its name, and the code by which it is set aside. */
type Refusal = { readonly name: string; readonly code: string }

/** A version that a story waits for. */
type Awaited = {
  readonly version: number
  readonly since: number
  readonly done: () => void
  readonly fail: (why: string) => void
}

/** Where stories take place: writers that go past the API, the legacy application, and a look at Aurora. */
export class Scene {
  readonly ground: Ground
  readonly random: Random
  /** How long a failover lasts that a row meets, in milliseconds. */
  readonly failover: number
  readonly #sql: () => Promise<Connection>
  #connection: Promise<Connection> | undefined
  #writes = 0
  #names = 0
  #refusals = 0
  readonly #waiting = new Map<string, Awaited>()

  constructor(ground: Ground, random: Random, failover: number) {
    this.ground = ground
    this.random = random
    this.failover = failover
    this.#sql = () => ground.sql()
  }

  /** Writes of DynamoDB and of the legacy application so far. */
  get writes(): number {
    return this.#writes
  }

  /** A name that nobody else has. */
  name(): string {
    this.#names += 1
    return `name ${this.#names}`
  }

  /** The next of the ways in which the legacy database refuses a row, all of them in turn. */
  refusal(): Refusal {
    const at = this.#refusals % REFUSALS.length
    this.#refusals += 1
    return { name: refusedName(at), code: `mysql.${REFUSALS[at]?.errno ?? SIGNALLED}` }
  }

  /** Counts writes that were made elsewhere. */
  count(writes: number): void {
    this.#writes += writes
  }

  /** A PutItem with a version as its writer counts it. */
  async put(entity: SoakEntity, key: string, version: number, attributes: Item): Promise<void> {
    await this.putItem(this.ground.tables[entity].name, {
      [KEYS[entity]]: { S: key },
      ...attributes,
      version: { N: String(version) },
      updatedAt: { S: new Date().toISOString() },
    })
  }

  /** A PutItem as it is. */
  async putItem(TableName: string, Item: Item): Promise<void> {
    this.#writes += 1
    await this.ground.dynamodb.send(new PutItemCommand({ TableName, Item }))
  }

  /** Waits until a key is listed. */
  async listed(entity: SoakEntity, key: string): Promise<void> {
    const parking = openParking(this.ground)
    const end = performance.now() + PATIENCE
    while (!(await parking.parkedAmong(entity, [key])).has(key)) {
      if (performance.now() > end) throw new Error(`${entity} ${key} is not listed after ${PATIENCE} ms`)
      await wait(200)
    }
  }

  /** Delivers a record of a put once more that is older than all that the stream has now. */
  async deliverAgain(entity: SoakEntity, key: string, version: number, attributes: Item): Promise<void> {
    const { ground } = this
    const Keys = { [KEYS[entity]]: { S: key } }
    const NewImage = { ...Keys, ...attributes, version: { N: String(version) } }
    const record = {
      eventID: `${key}-again`,
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      eventSourceARN: ground.tables[entity].streamArn,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / 1000) - 60,
        Keys,
        NewImage,
        SequenceNumber: '1',
        SizeBytes: 100,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    }
    const end = performance.now() + PATIENCE
    for (;;) {
      const outcome = await ground.stack.invoke(ground.backSync, { Records: [record] })
      if (outcome.ok) return
      // Whoever delivers does so until it is taken: a fault may have met the function.
      if (performance.now() > end)
        throw new Error(`a record that came again failed: ${outcome.error.errorMessage}`)
      await wait(500)
    }
  }

  /**
   * What the API says of a key, at one side. A fault may have met it: what it can't answer for the moment is asked again.
   *
   * @returns status and body
   */
  async read(
    side: 'aurora' | 'dynamo',
    entity: SoakEntity,
    key: string,
  ): Promise<{ status: number; body: string }> {
    const end = performance.now() + PATIENCE
    for (;;) {
      const response = await fetch(`${this.ground.stack.url}/${side}/${entity}s/${encodeURIComponent(key)}`)
      const { status } = response
      const body = await response.text()
      if (status !== 503 || performance.now() > end) return { status, body }
      await wait(200)
    }
  }

  async remove(entity: SoakEntity, key: string): Promise<void> {
    this.#writes += 1
    await this.ground.dynamodb.send(
      new DeleteItemCommand({
        TableName: this.ground.tables[entity].name,
        Key: { [KEYS[entity]]: { S: key } },
      }),
    )
  }

  /** A statement of the legacy application. It has no retries but for a server that is just being restarted. */
  async legacy(text: string, values: readonly string[] = []): Promise<ResultSetHeader> {
    this.#writes += 1
    const end = performance.now() + PATIENCE
    for (;;) {
      try {
        const [result] = await (await this.#connected()).query<ResultSetHeader>(text, [...values])
        return result
      } catch (error) {
        if (performance.now() > end) throw error
        this.#connection = undefined
        await wait(200)
      }
    }
  }

  /**
   * Waits until Aurora holds a version of a key or a later one, as a row or as a tombstone.
   *
   * @throws Error when it doesn't, though what was written after it has been delivered
   */
  async applied(entity: SoakEntity, key: string, version: number): Promise<void> {
    const name = JSON.stringify([entity, key])
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(name, {
        version,
        since: performance.now(),
        done: resolve,
        fail: (why) => reject(new Error(`${entity} ${key} is not at version ${version} in Aurora ${why}`)),
      })
    }).finally(() => this.#waiting.delete(name))
  }

  /**
   * Looks for what is waited for until the signal aborts.
   *
   * @param deliveredUpTo the streams' time, in milliseconds of `performance.now()`
   * @param patience how long nothing at all may be delivered, in milliseconds
   */
  async watch(deliveredUpTo: () => Promise<number>, patience: number, signal: AbortSignal): Promise<void> {
    let delivered = Number.NEGATIVE_INFINITY
    let gotOn = performance.now()
    while (!signal.aborted) {
      // Before the look: what was delivered by then must be there.
      const now = await deliveredUpTo()
      if (now > delivered) gotOn = performance.now()
      delivered = now
      const isStuck = performance.now() - gotOn > patience
      let seen = true
      for (const entity of ['chef', 'recipe'] as const)
        await this.#look(entity).catch(() => {
          seen = false
        })
      for (const { since, fail } of seen ? this.#waiting.values() : []) {
        if (delivered - since > DELIVERED) fail(`${DELIVERED / 1000} s behind what was delivered`)
        else if (isStuck) fail(`and nothing was delivered for ${patience / 1000} s`)
      }
      await wait(100)
    }
    await (await this.#connection)?.end().catch(() => undefined)
  }

  async #look(entity: SoakEntity): Promise<void> {
    const wanted = [...this.#waiting].flatMap(([name, { version, done }]) => {
      const [of, key]: [string, string] = JSON.parse(name)
      return of === entity ? [{ key, version, done }] : []
    })
    if (wanted.length === 0) return
    const keys = wanted.map(({ key }) => key)
    try {
      const [rows] = await (await this.#connected()).query<RowDataPacket[]>(
        `SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, CAST(backsync_version AS CHAR) AS v
           FROM ${TABLES[entity]} WHERE backsync_key IN (?)
         UNION ALL SELECT entity_key, CAST(version AS CHAR) FROM backsync_tombstones
           WHERE entity = '${entity}' AND entity_key IN (?)`,
        [keys, keys],
      )
      const versions = Map.groupBy(rows, ({ k }) => String(k))
      for (const { key, version, done } of wanted) {
        const held = (versions.get(key) ?? []).map(({ v }) => Number(v))
        if (held.some((one) => one >= version)) done()
      }
    } catch (error) {
      this.#connection = undefined
      throw error
    }
  }

  #connected(): Promise<Connection> {
    this.#connection ??= this.#sql()
    return this.#connection
  }
}
