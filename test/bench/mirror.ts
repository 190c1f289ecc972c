import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Change } from '../../functions/bridge/model/change.ts'
import type { Sink } from '../../functions/bridge/ports/sink.ts'
import { inLanes } from '../../functions/bridge/runtime/lanes.ts'
import { startTestServers } from '../support/servers.ts'
import { print as printLine } from './back-sync/line.ts'

/*
 * What the relay carries over in a second of rows that are new, and of rows that have changed, beside what PutItem does for as many
 * items, one behind the other and so many at once as the relay has; how late writes are on the modern side while legacy programs write
 * at a rate; and what those pay for the triggers. Ratios are of one run; prints a JSON line for each.
 */

const ROWS = 5_000
const ROUNDS = 3
const ONE_BY_ONE = 1_000
const LANES = 32
const RATES = [100, 500] as const
const SECONDS = 10
const POLL = 100

const print = (line: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify({ bench: 'mirror', ...line })}\n`)

const perSecond = async (n: number, work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return Math.round((n / (performance.now() - begun)) * 1_000)
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const percentile = (sorted: readonly number[], share: number): number => Math.round(at(sorted, share))

const median = (values: readonly number[]): number =>
  at(
    values.toSorted((one, other) => one - other),
    0.5,
  )

const run = async (): Promise<void> => {
  // They read at once where the servers are.
  const { openMirror } = await import('../functions/bridge/mirror/world.ts')
  const { mirroredChef: chef } = await import('../fixtures/mirrored/entities.ts')
  const { relay } = await import('../../functions/bridge/mirror/relay.ts')
  const world = await openMirror([chef], { chef: 'Chefs' })
  const { legacy, relayParts, sync } = world
  const insert = async (rows: number): Promise<void> => {
    for (let from = 0; from < rows; from += 500) {
      const values = Array.from({ length: Math.min(500, rows - from) }, (_, at) => [`c${from + at}`, 'Bench'])
      await legacy.query('INSERT INTO cheftable (cheffirst, cheflast) VALUES ?', [values])
    }
  }
  const put = (n: number) =>
    sync.client.send(
      new PutItemCommand({
        TableName: sync.tables.of('chef'),
        Item: {
          ...{ chefId: { S: `bare-${n}` }, firstName: { S: `c${n}` }, lastName: { S: 'Bench' } },
          ...{ version: { N: '1' }, updatedAt: { S: new Date().toISOString() } },
        },
      }),
    )
  const numbers = (n: number) => Array.from({ length: n }, (_, at) => at)

  await insert(500)
  await relay(relayParts)
  await inLanes(numbers(500), LANES, put)

  const change = () =>
    legacy.query("UPDATE cheftable SET cheflast = CONCAT('n', RAND()) ORDER BY id DESC LIMIT ?", [ROWS])
  const writes = { new: () => insert(ROWS), changed: change }
  for (const rows of ['new', 'changed'] as const) {
    const rounds: { readonly carried: number; readonly limit: number; readonly single: number }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await writes[rows]()
      const carried = await perSecond(ROWS, () => relay(relayParts))
      const limit = await perSecond(ROWS, () => inLanes(numbers(ROWS), LANES, put))
      const single = await perSecond(ONE_BY_ONE, () => inLanes(numbers(ONE_BY_ONE), 1, put))
      rounds.push({ carried, limit, single })
    }
    const of = (which: 'carried' | 'limit' | 'single') => median(rounds.map((round) => round[which]))
    print({
      ...{ rows, count: ROWS, carried: of('carried'), limit: of('limit'), single: of('single') },
      ofLimit: median(rounds.map(({ carried, limit }) => carried / limit)),
      ofSingle: median(rounds.map(({ carried, single }) => carried / single)),
    })
  }

  for (const rate of RATES) {
    const lags: number[] = []
    const { sink } = relayParts.outward
    /** Rows say when they were written. */
    const note = (changes: readonly Change[]): void => {
      const now = Date.now()
      for (const change of changes)
        if (change.op === 'upsert') lags.push(now - Number(String(change.row.firstName).slice(1)))
    }
    const timed: Sink = Object.assign(Object.create(sink), {
      applyIsolating: async (name: string, changes: readonly Change[]) => {
        const outcome = await sink.applyIsolating(name, changes)
        note(changes)
        return outcome
      },
    })
    let writing = true
    const staying = relay(
      { ...relayParts, outward: { ...relayParts.outward, sink: timed } },
      { poll: POLL, mayBegin: () => writing },
    )
    const begun = performance.now()
    for (let n = 0; n < rate * SECONDS; n++) {
      const due = begun + (n * 1_000) / rate
      if (due > performance.now())
        await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
      await legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'Lag')", [`t${Date.now()}`])
    }
    const written = Math.round((rate * SECONDS * 1_000) / (performance.now() - begun))
    while ((await relayParts.changes.depth()).rows > 0)
      await new Promise((resolve) => setTimeout(resolve, 50))
    writing = false
    await staying
    const sorted = lags.toSorted((a, b) => a - b)
    print({ rate, written, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), poll: POLL })
  }
  await world.close()
}

const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
try {
  await run()
  const { legacyWriters } = await import('./mirror/legacy-writers.ts')
  for (const line of await legacyWriters()) printLine(line)
} finally {
  await servers.stop()
}
