import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Owner } from '../../functions/bridge/model/owner.ts'
import type { Placement, Route } from '../../functions/bridge/model/route.ts'
import { inLanes } from '../../functions/bridge/runtime/lanes.ts'
import { startTestServers } from '../support/servers.ts'
import { print } from './back-sync/line.ts'

/*
 * What a facade adds to a request, against the same request to the side that serves it, one by one in turns; what the claim of a key
 * adds to its first write after a move; how long writes take while a route is moved to and fro and nothing is carried from one store
 * to the other; and how many keys a sweep claims in a second, both ways, against as many bare conditional writes of both stores. Ratios
 * are of one run; prints a JSON line for each.
 */

const KEYS = 500
const TURNS = 1_000
const CLIENTS = 8
const MOVES = 9
/** Of writes by each client between two moves. */
const BETWEEN = 60
/** As many keys at once as a sweep has. */
const LANES = 8
/** In milliseconds, by the percentile. */
const GOALS = { added: { p50: 1, p99: 3 }, moving: { p99: 100, 'p99.9': 500 } } as const
const OF_BARE = 0.7

const SHARES = { p50: 0.5, p99: 0.99, 'p99.9': 0.999 } as const
const percentile = (times: readonly number[], share: keyof typeof SHARES): number => {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * SHARES[share]))] ?? 0
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const run = async (): Promise<void> => {
  // They read at once where the servers are.
  const { sql } = await import('kysely')
  const { openFacadeWorld, plate } = await import('../functions/bridge/cutover/facade-world.ts')
  const { openJobTables } = await import('../functions/bridge/jobs/job-tables.ts')
  const { planSweep, runSweep } = await import('../../functions/bridge/cutover/sweep.ts')
  const { DynamoRoutes } = await import('../../functions/bridge/routes/dynamo-routes.ts')
  const { routeTable } = await import('../../functions/bridge/routes/route-table.ts')
  const { keySchema } = await import('../../functions/bridge/drivers/dynamo/key-schema.ts')
  const { moved, placementAt } = await import('../../functions/bridge/model/route-moves.ts')
  const { Deadline } = await import('../../functions/bridge/runtime/deadline.ts')
  const { silent } = await import('../support/log.ts')
  const world = await openFacadeWorld()
  const jobs = await openJobTables()
  try {
    const table = await jobs.create(keySchema({ partition: routeTable.partition }, 'routes'))
    const deadline = new Deadline()
    const routes = new DynamoRoutes({ client: jobs.client, table, deadline })
    const parts = {
      ...{ db: world.sync.aurora.db, client: world.sync.client, tables: world.sync.tables, deadline },
      ...{
        jobs: jobs.jobs(),
        routes,
        database: 'bench',
        log: silent,
        marks: jobs.marks(world.sync.aurora.db),
      },
      claim: world.facadeParts.claim,
      claimSet: world.claimSet,
    }
    const move = async (to: Partial<Placement>): Promise<Route> => {
      const route = await routes.note('plate', (was) =>
        moved(was, placementAt(was, to), { at: new Date().toISOString(), by: 'bench' }, 's'),
      )
      world.move(route)
      return route
    }
    const all: Readonly<Record<Owner, Partial<Placement>>> = {
      aurora: { stage: 'shadow' },
      dynamo: { stage: 'live', percent: 100 },
    }
    const sweep = async () => {
      const { settled } = await runSweep(await planSweep(plate, parts), { ...parts, by: 'bench' })
      if (!settled) throw new Error('the route is not settled')
    }
    const keys = Array.from({ length: KEYS }, (_, at) => `key-${at}`)
    const content = (code: string, n: number) => ({ body: { code, title: `t${n}` } })
    const keyOf = (n: number): string => keys[n % KEYS] ?? ''
    const require = (status: number, ...of: readonly number[]): void => {
      if (!of.includes(status)) throw new Error(`answered with ${status}`)
    }
    await inLanes(keys, LANES, (key) => world.make(plate, 'aurora', { code: key, title: 'one' }, key))

    const facade = world.facadeWith()
    for (const side of ['aurora', 'dynamo'] as const) {
      await move(all[side])
      await sweep()
      for (const method of ['GET', 'PUT'] as const) {
        const [through, direct]: [number[], number[]] = [[], []]
        for (let n = 0; n < TURNS; n++) {
          const [path, sent] = [`/plates/${keyOf(n)}`, method === 'PUT' ? content(keyOf(n), n) : {}]
          const ways = [
            async () =>
              through.push(
                await timed(async () => require((await world.send(method, path, sent, facade)).status, 200)),
              ),
            async () =>
              direct.push(
                await timed(async () =>
                  require((await world.sendTo(side, method, path, sent)).statusCode, 200),
                ),
              ),
          ]
          for (const way of n % 2 === 0 ? ways : ways.toReversed()) await way()
        }
        for (const share of ['p50', 'p99'] as const) {
          const [value, baseline] = [percentile(through, share), percentile(direct, share)]
          const goal = GOALS.added[share]
          print({
            name: `${method} through the facade at ${side}, ${share} added`,
            ...{ value: value - baseline, unit: 'ms', baseline, limit: goal, ratio: value / baseline, goal },
          })
        }
      }
    }

    for (const side of ['aurora', 'dynamo'] as const) {
      await move(all[side])
      const [first, second]: [number[], number[]] = [[], []]
      for (const [n, key] of keys.entries())
        for (const times of [first, second])
          times.push(
            await timed(async () =>
              require((await world.send('PUT', `/plates/${key}`, content(key, n), facade)).status, 200),
            ),
          )
      for (const share of ['p50', 'p99'] as const) {
        const [value, baseline] = [percentile(first, share), percentile(second, share)]
        print({
          name: `first PUT of a key after a move to ${side}, with its claim, ${share}`,
          ...{ value, unit: 'ms', baseline, limit: baseline, ratio: value / baseline },
        })
      }
    }

    const [quiet, moving]: [number[], number[]] = [[], []]
    const refused = new Map<number, number>()
    const write = async (times: number[], n: number, client: number): Promise<void> => {
      // Each client has keys of its own: what is refused is refused for the move.
      const key = keyOf(client + CLIENTS * n)
      const spent = await timed(async () => {
        const { status } = await world.send('PUT', `/plates/${key}`, content(key, n), facade)
        if (status !== 200) refused.set(status, (refused.get(status) ?? 0) + 1)
      })
      times.push(spent)
    }
    const writing = (times: number[]) =>
      Promise.all(
        Array.from({ length: CLIENTS }, async (_, client) => {
          for (let n = 0; n < BETWEEN; n++) await write(times, n, client)
        }),
      )
    for (let n = 0; n < MOVES; n++) {
      await writing(quiet)
      await move(n % 3 === 2 ? { stage: 'live', percent: 50 } : all[n % 3 === 0 ? 'aurora' : 'dynamo'])
      await writing(moving)
    }
    for (const share of ['p99', 'p99.9'] as const) {
      const [value, baseline] = [percentile(moving, share), percentile(quiet, share)]
      const goal = GOALS.moving[share]
      print({
        name: `PUT of ${CLIENTS} clients behind a move, nothing carried, ${share}`,
        ...{ value, unit: 'ms', baseline, limit: goal, ratio: value / baseline, goal },
      })
    }
    print({
      name: 'of these not answered with 200',
      ...{ value: [...refused.values()].reduce((sum, n) => sum + n, 0), unit: 'requests' },
      ...{ baseline: moving.length, limit: 0, ratio: 0 },
    })

    let n = 0
    const bare = async () => {
      n += 1
      await inLanes(keys, LANES, async (key) => {
        await world.sync.client.send(
          new UpdateItemCommand({
            TableName: world.sync.tables.of(plate.item.table),
            Key: { [plate.item.keyAttribute]: { S: key } },
            UpdateExpression: 'SET bench = :n',
            ConditionExpression: 'attribute_not_exists(bench) OR bench < :n',
            ExpressionAttributeValues: { ':n': { N: String(n) } },
          }),
        )
        await sql`UPDATE plates SET backsync_updated_at = NOW(3) WHERE code = ${key} AND backsync_version > 0`.execute(
          world.sync.aurora.db,
        )
      })
    }
    for (const side of ['aurora', 'dynamo'] as const) {
      await move(all[side])
      const perSecond = (ms: number): number => KEYS / (ms / 1_000)
      const value = perSecond(await timed(sweep))
      const baseline = perSecond(await timed(bare))
      print({
        name: `sweep of ${KEYS} keys to ${side}, with its proof`,
        ...{ value, unit: 'keys/s', baseline, limit: baseline, ratio: value / baseline, goal: OF_BARE },
      })
    }
  } finally {
    await jobs.close()
    await world.close()
  }
}

const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
try {
  await run()
} finally {
  await servers.stop()
}
