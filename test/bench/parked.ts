import { randomUUID } from 'node:crypto'
import { startTestServers } from '../support/servers.ts'

/*
 * What a batch of a hundred changes costs with nothing parked, with a thousand and with sixty thousand parked and waiting
 * changes: calls of DynamoDB, its read units, calls of the Data API, time and memory. Prints a JSON line for each.
 */

const LEVELS = [0, 1_000, 60_000] as const
const ROUNDS = 10

const run = async (): Promise<void> => {
  // They read at once where the servers are.
  const { openTestSync } = await import('../functions/bridge/sync/harness.ts')
  const { bad, orphan } = await import('../functions/bridge/parking/harness.ts')
  const { chef } = await import('../fixtures/entities/chef.ts')
  const { recipe } = await import('../fixtures/entities/recipe.ts')
  const { chefItem, chefRecord, recipeItem, recipeRecord } = await import(
    '../functions/fixtures/recipe-records.ts'
  )
  const { metered } = await import('../support/metered.ts')
  const { seed } = await import('./parked/seed.ts')
  const sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
  const read = metered(sync.parking.client)
  const parking = sync.parking.open()
  const start = Date.now()
  const batch = async () => {
    const keys = Array.from({ length: 50 }, () => randomUUID())
    await sync.deliverWith(
      // Its clock stands: what looks for the due at times does so in the first batch alone.
      { parking, now: () => new Date(start) },
      ...keys.map((key) => chefRecord(chefItem(key, 1))),
      ...keys.map((key) => recipeRecord(recipeItem(`r-${key}`, 1, key))),
    )
  }
  await batch()
  let parked = 0
  for (const level of LEVELS) {
    const numbers = Array.from({ length: level - parked }, (_, at) => parked + at)
    parked = level
    await seed(
      sync.parking.client,
      sync.parking.table,
      numbers.map((at) => (at % 2 === 0 ? bad(`bad-${at}`, 1n) : orphan(`orphan-${at}`, 1n, `nobody-${at}`))),
      new Date(start),
    )
    read()
    const sqlBefore = sync.aurora.calls()
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now()
      await batch()
      times.push(performance.now() - begun)
    }
    const { calls, units } = read()
    process.stdout.write(
      `${JSON.stringify({
        bench: 'parked',
        parked: level,
        changes: 100,
        calls: calls / ROUNDS,
        readUnits: units / ROUNDS,
        sqlCalls: (sync.aurora.calls() - sqlBefore) / ROUNDS,
        medianMs: Math.round(times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0),
        heapMB: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
      })}\n`,
    )
  }
  await sync.close()
}

const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
try {
  await run()
} finally {
  await servers.stop()
}
