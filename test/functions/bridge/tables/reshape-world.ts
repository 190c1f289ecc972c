import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import { TOMBSTONE_KEPT, tombstoneTable } from '../../../../functions/bridge/tables/tombstones.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { type KeptTables, openKeptTables } from '../../../support/kept-tables.ts'
import { until } from '../../../support/until.ts'
import { type HeldBackfill, holdBackfill } from './held-backfill.ts'
import type { Command, Fault } from './reshape-commands.ts'
import { differences, type Job } from './simulated-reshape.ts'
import { type Clock, clockAt, type SimulatedSource, simulateSource } from './simulated-source.ts'

/** Everything about one simulated reshape. The stores are real; the source's stream and the time are the test's. */
export type World = {
  readonly clock: Clock
  readonly source: SimulatedSource
  readonly scan: HeldBackfill
  readonly kept: KeptTables
  readonly ground: TestTables
  /** Makes items that only a scan can bring. */
  seed(...ids: readonly string[]): Promise<void>
  put(id: string, more?: Attributes): Promise<void>
  /** Delivers the records that wait in a lane, or the first of them; what fails stays there. */
  deliver(lane: number, count?: number, fault?: Fault): Promise<void>
  run(command: Command): Promise<void>
  /** DynamoDB lets go of the tombstones whose time has come. @param after as if they were kept for so many seconds */
  forget(after?: number): Promise<void>
  /** Lets everything come to its end, and says what is wrong then. */
  settle(): Promise<readonly string[]>
  close(): Promise<void>
}

type Attributes = {
  readonly group?: string
  readonly rank?: string
  readonly hidden?: boolean
  readonly bad?: boolean
}

export type WorldOptions = {
  /** @default the test run's DynamoDB */
  readonly endpoint?: string | undefined
  /** Segments of the scan. @default 1, since dynoxide loses items of segments whose start keys are deleted */
  readonly segments?: number
  /** Changes what the stream's function and the backfill have as their client: for tests of the test. */
  readonly tamper?: (client: DynamoDBClient, kept: KeptTables) => void
}

export const openWorld = async (
  job: Job,
  { endpoint, segments = 1, tamper = () => {} }: WorldOptions = {},
): Promise<World> => {
  const ground = openTestTables(endpoint)
  const { projection } = job
  const kept = await openKeptTables(ground, [projection])
  const clock = clockAt('2026-11-22T00:00:00Z')
  const source = simulateSource(ground, kept.tables[projection.from.name] ?? '', clock)
  const proxy = await startFaultProxy(ground.endpoint)
  const client = ground.through(proxy.endpoint)
  tamper(client, kept)
  const scan = await holdBackfill({ ground, kept, projection, clock, segments }, (own) => tamper(own, kept))
  return new ReshapeWorld({ job, ground, kept, clock, source, proxy, client, scan })
}

type Parts = Pick<World, 'clock' | 'source' | 'scan' | 'kept' | 'ground'> & {
  readonly job: Job
  readonly proxy: FaultProxy
  readonly client: DynamoDBClient
}

class ReshapeWorld implements World {
  readonly #parts: Parts
  readonly clock: Clock
  readonly source: SimulatedSource
  readonly scan: HeldBackfill
  readonly kept: KeptTables
  readonly ground: TestTables
  #written = 0
  readonly #ghosts: PromiseWithResolvers<void>[] = []

  constructor(parts: Parts) {
    this.#parts = parts
    this.clock = parts.clock
    this.source = parts.source
    this.scan = parts.scan
    this.kept = parts.kept
    this.ground = parts.ground
  }

  async seed(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.source.seed(this.#item(id, {}))
  }

  async put(id: string, more: Attributes = {}): Promise<void> {
    await this.source.put(this.#item(id, more))
  }

  async deliver(lane: number, count = Number.POSITIVE_INFINITY, fault: Fault = 'pass'): Promise<void> {
    const Records = this.source.waiting(lane).slice(0, count)
    if (Records.length === 0) return
    if (await this.#keep(Records, fault)) this.source.took(lane, Records.length)
  }

  async run(command: Command): Promise<void> {
    switch (command.do) {
      case 'put':
        return this.put(command.id, command)
      case 'remove':
        return this.source.remove(command.id)
      case 'expire':
        return this.source.expire(command.id)
      case 'advance':
        return this.clock.advance(command.milliseconds)
      case 'deliver':
        return this.deliver(command.lane, command.count, command.fault)
      case 'again':
        return this.#again(command.from, command.count)
      case 'step':
        return this.scan.step(command.pick, command.verdict)
      case 'crash':
        return this.scan.crash()
      case 'ghost':
        await this.#releaseGhosts()
        return this.scan.releaseGhost(command.pick)
    }
  }

  async forget(after = TOMBSTONE_KEPT): Promise<void> {
    const { kept, ground, clock } = this.#parts
    const { TOMBSTONES_TABLE: TableName } = kept.config
    const { partition: key, expiry } = tombstoneTable
    for (const item of await ground.all(TableName)) {
      const own = item[key]
      const expires = Number(item[expiry]?.N) - TOMBSTONE_KEPT + after
      if (own === undefined || expires * 1000 > clock.now()) continue
      await ground.remove(TableName, { [key]: own })
    }
  }

  async settle(): Promise<readonly string[]> {
    const { job, kept } = this.#parts
    const lost = this.source.trim()
    if (lost > 0) throw new Error(`the simulation let ${lost} records expire: that no bridge survives`)
    for (let lane = 0; lane < this.source.lanes; lane++) await this.deliver(lane)
    // All that is still in the stream may come once more.
    await this.#again(0, this.source.delivered.length)
    await this.scan.finish()
    await this.#releaseGhosts()
    const before = await this.#differences(false)
    if (before.length > 0) return before
    // What an operator does: what was parked a moment too late finds its place.
    const parts = kept.parts({ now: () => new Date(this.clock.now()) })
    const { name } = job.projection
    await retryParked(parts, name, [...(await parts.parking.parkedOf(name)).values()])
    return this.#differences(true)
  }

  async #differences(tried: boolean): Promise<readonly string[]> {
    const { job, kept, ground } = this.#parts
    const { name } = job.projection
    const parked = new Set((await kept.parts().parking.parkedOf(name)).keys())
    const target = await ground.all(kept.tables[name] ?? '')
    return differences(job, this.source.items, target, { parked, tried })
  }

  async close(): Promise<void> {
    for (const { resolve } of this.#ghosts.splice(0)) resolve()
    await this.scan.close()
    await this.#parts.proxy.close()
    await this.ground.close()
  }

  async #again(from: number, count: number): Promise<void> {
    const { delivered } = this.source
    const start = delivered.length === 0 ? 0 : from % delivered.length
    const Records = delivered.slice(start, start + count)
    if (Records.length > 0) await this.#keep(Records, 'pass')
  }

  #item(id: string, { group = 'g1', rank = 'r1', hidden = false, bad = false }: Attributes) {
    this.#written += 1
    return {
      id: { S: id },
      group: { S: group },
      rank: { S: rank },
      // No two writes make the same item: a target that is one write behind shows.
      value: { N: String(this.#written) },
      legacy: { S: 'x' },
      ...(hidden && { hidden: { BOOL: true } }),
      ...(bad && { bad: { BOOL: true } }),
    }
  }

  async #releaseGhosts(): Promise<void> {
    for (const { resolve } of this.#ghosts.splice(0)) resolve()
    await until('the ghosts are gone', 10_000, () => this.#parts.proxy.late() === 0)
  }

  /** @param fault of its first write @returns whether all of it is done */
  async #keep(Records: readonly unknown[], fault: Fault): Promise<boolean> {
    const { proxy, kept, client, job, clock } = this.#parts
    let left = fault === 'pass' ? 0 : 1
    proxy.use(({ operation }) => {
      if (operation !== 'TransactWriteItems' || left-- <= 0) return 'pass'
      if (fault !== 'ghost') return fault
      const ghost = Promise.withResolvers<void>()
      this.#ghosts.push(ghost)
      return { late: ghost.promise }
    })
    const parts = kept.parts({ client, now: () => new Date(clock.now()) })
    const answer = await keepTables({ Records }, [job.projection], parts)
    return answer.batchItemFailures.length === 0
  }
}
