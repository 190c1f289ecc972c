import { setTimeout as wait } from 'node:timers/promises'
import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb'
import type { Ground, SoakEntity } from '../ground.ts'
import type { Random } from '../random.ts'
import { callApi } from './api.ts'
import { type PlannedWrite, planWrites, type RawWrite } from './plan.ts'
import { Pool } from './pool.ts'
import { isPoison, rawItem } from './raw-items.ts'

/** Writes under way at once. */
const CONCURRENCY = 12
/** Keys of an entity that are alive at once: beyond it, creates become deletes. */
const MOST_KEYS = { chef: 150, recipe: 400 } as const
const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const
/** A delete that an own key made counts one version for itself. */
const TOMBSTONE = 1n

/** Writes on both entities, as the schedule says, until it is stopped. */
export class Writers {
  /** What was written, by kind; and what the API answered instead. */
  readonly counts = new Map<string, number>()
  readonly pools: Readonly<Record<SoakEntity, Pool>>
  readonly #ground: Ground
  readonly #random: Random
  readonly #schedule: Iterator<PlannedWrite, never>
  readonly #underWay = new Set<Promise<void>>()
  #written = 0

  /** @param run keeps the keys of several runs on one stack apart */
  constructor(ground: Ground, random: Random, { seed, run }: { seed: number; run: string }) {
    this.#ground = ground
    this.#random = random.fork('parents')
    this.#schedule = planWrites(random.fork('writes'), seed)
    this.pools = { chef: new Pool('chef', run), recipe: new Pool('recipe', run) }
  }

  get written(): number {
    return this.#written
  }

  /** Writes at the rate until the signal aborts, then waits for what is under way. @param rate writes a second */
  async run(rate: number, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    const failures: unknown[] = []
    while (!signal.aborted && failures.length === 0) {
      const ahead = (this.#written / rate) * 1000 - (performance.now() - started)
      if (ahead > 0) await wait(ahead)
      if (this.#underWay.size >= CONCURRENCY) await Promise.race(this.#underWay)
      const step = this.#step(this.#schedule.next().value)
        .catch((error: unknown) => {
          failures.push(error)
        })
        .finally(() => this.#underWay.delete(step))
      this.#underWay.add(step)
    }
    await Promise.all(this.#underWay)
    if (failures.length > 0) throw failures[0]
  }

  #count(what: string, writes: number): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + Math.max(1, writes))
    this.#written += writes
  }

  async #step(write: PlannedWrite): Promise<void> {
    const { kind, entity, pick } = write
    const pool = this.pools[entity]
    if (kind === 'batch') return this.#batch(entity, write.raw)
    const known = pool.at(pick)
    if (known === undefined || (kind === 'create' && pool.live.length < MOST_KEYS[entity]))
      return this.#create(write)
    const { url } = this.#ground.stack
    if (kind === 'delete' || kind === 'create') {
      this.#count('delete', 1)
      // The hot keys stay; those at the end are picked seldom otherwise.
      const victim = pool.live[Math.floor((1 - pick ** 2) * pool.live.length)] ?? known
      const { status } = await callApi(url, entity, { method: 'DELETE', key: victim.key })
      if (status === 204 || status === 404 || status === 0)
        pool.deleted(victim, status === 204 ? 'yes' : status === 404 ? 'gone' : 'perhaps')
      return this.#answered(status)
    }
    const rows = kind === 'hot' ? [write.row, ...write.rows] : [write.row]
    this.#count(kind, rows.length)
    await Promise.all(
      rows.map(async (row) => {
        const ifMatch = { 'replace-if-match': known.version, 'replace-stale': known.version - 1 }[
          String(kind)
        ]
        const { status, version } = await callApi(url, entity, {
          method: 'PUT',
          key: known.key,
          row: this.#withParent(entity, row, write.parent),
          ...(ifMatch !== undefined && ifMatch > 0 && { ifMatch }),
        })
        if (status === 200) pool.written(known, version)
        if (status === 404) pool.deleted(known, 'gone')
        this.#answered(status)
      }),
    )
  }

  async #create({ entity, row, parent }: PlannedWrite): Promise<void> {
    this.#count('create', 1)
    const { status, key } = await callApi(this.#ground.stack.url, entity, {
      method: 'POST',
      row: this.#withParent(entity, row, parent),
    })
    if (status === 201) this.pools[entity].created(key)
    this.#answered(status)
  }

  #withParent(
    entity: SoakEntity,
    row: PlannedWrite['row'],
    parent: PlannedWrite['parent'],
  ): PlannedWrite['row'] {
    return entity === 'recipe' ? { ...row, chefId: this.pools.chef.parent(parent, this.#random) } : row
  }

  #answered(status: number): void {
    if (status >= 300 || status === 0) this.#count(`answered ${status === 0 ? 'nothing' : status}`, 0)
  }

  /** Each key at most once, and none that another batch holds: the version is its writer's to count. */
  async #batch(entity: SoakEntity, writes: readonly RawWrite[]): Promise<void> {
    const { raw } = this.pools[entity]
    const taken = writes.flatMap((write) => {
      const free = raw.filter(({ busy }) => !busy)
      const key = free[Math.floor(write.pick * free.length)]
      if (key === undefined) return []
      key.busy = true
      return [{ key, write }]
    })
    const requests: WriteRequest[] = taken.map(({ key, write }) => {
      const name = KEYS[entity]
      if (write.flavour === 'delete') {
        if (key.exists) key.version += TOMBSTONE
        key.exists = false
        return { DeleteRequest: { Key: { [name]: { S: key.key } } } }
      }
      const chefId = this.pools.chef.parent(write.parent, this.#random)
      key.version += 1n
      key.exists = true
      return { PutRequest: { Item: rawItem(entity, key.key, key.version, { ...write, chefId }) } }
    })
    for (const { write } of taken)
      this.#count(isPoison(write.flavour) ? `raw poison, ${write.flavour}` : `raw ${write.flavour}`, 1)
    try {
      await this.#send(this.#ground.tables[entity].name, requests)
    } finally {
      for (const { key } of taken) key.busy = false
    }
  }

  /** @throws Error when DynamoDB leaves something unprocessed ten times */
  async #send(table: string, requests: WriteRequest[]): Promise<void> {
    let rest = requests
    for (let attempt = 1; rest.length > 0; attempt++) {
      if (attempt > 10) throw new Error(`DynamoDB left ${rest.length} writes unprocessed`)
      const { UnprocessedItems } = await this.#ground.dynamodb.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: rest } }),
      )
      rest = UnprocessedItems?.[table] ?? []
    }
  }
}
