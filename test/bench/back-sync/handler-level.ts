import { median } from '../data-api/measure.ts'
import { upsertRows } from './limit.ts'
import type { Line } from './line.ts'
import type { Stage } from './stage.ts'

/** Records of one turn, by way: enough to measure, few enough that all turns of a round see the same machine. */
const TURNS = { original: 200, single: 200, hundred: 4_000, thousand: 10_000, limit: 10_000 } as const
const ROUNDS = 7

type Rates = Record<keyof typeof TURNS, number[]>

/**
 * The handlers with prepared batches, against the first design and against bare multi-row upserts, in interleaved
 * rounds. Half of each turn's changes insert, half update what the same turn has inserted.
 */
export const handlerLevel = async (stage: Stage): Promise<Line[]> => {
  const { worker, direct } = stage
  const rates: Rates = { original: [], single: [], hundred: [], thousand: [], limit: [] }
  const calls: number[] = []
  let from = 0
  const take = (count: number): number => {
    from += count
    return from - count
  }
  const ours = async (batch: number, count: number): Promise<number> => {
    const half = { from: take(count / 2), count: count / 2, way: 'ours', batch } as const
    const inserted = await worker.run({ ...half, version: 1 })
    const updated = await worker.run({ ...half, version: 2 })
    if (batch === 1000) calls.push(((inserted.dataApiCalls + updated.dataApiCalls) * 1000) / count)
    return (count * 1000) / (inserted.ms + updated.ms)
  }
  // The first round warms up connections and caches and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const original = await worker.run({
      way: 'original',
      batch: 1,
      from: take(TURNS.original),
      count: TURNS.original,
      version: 1,
    })
    const single = await ours(1, TURNS.single)
    const hundred = await ours(100, TURNS.hundred)
    const thousand = await ours(1000, TURNS.thousand)
    const half = { from: take(TURNS.limit / 2), count: TURNS.limit / 2 }
    const limitMs =
      (await upsertRows(direct, { ...half, version: 1 })) +
      (await upsertRows(direct, { ...half, version: 2 }))
    if (round === 0) continue
    rates.original.push((TURNS.original * 1000) / original.ms)
    rates.single.push(single)
    rates.hundred.push(hundred)
    rates.thousand.push(thousand)
    rates.limit.push((TURNS.limit * 1000) / limitMs)
  }
  const mixed = async (): Promise<number> => {
    const some = { from: take(1000), count: 1000, batch: 1000 }
    await worker.run({ ...some, way: 'ours', version: 1 })
    return (await worker.run({ ...some, way: 'ours, mixed', version: 1 })).dataApiCalls
  }
  // With its first delete a process reads what refers to what.
  await mixed()
  calls.push(await mixed())
  const ratio = (a: readonly number[], b: readonly number[]): number =>
    median(a.map((rate, round) => rate / (b[round] ?? Number.NaN)))
  const line = (name: string, own: readonly number[], goal: number | null): Line => ({
    name,
    value: median(own),
    unit: 'changes/s',
    baseline: median(rates.original),
    limit: median(rates.limit),
    ratio: ratio(own, rates.original),
    ofLimit: ratio(own, rates.limit),
    ...(goal !== null && { goal }),
  })
  return [
    line('handler, batches of 1', rates.single, null),
    line('handler, batches of 100', rates.hundred, null),
    line('handler, batches of 1000', rates.thousand, 150),
    {
      name: 'handler of 1000, share of bare multi-row upserts',
      value: ratio(rates.thousand, rates.limit),
      unit: 'ratio',
      baseline: 1,
      limit: 1,
      ratio: ratio(rates.thousand, rates.limit),
      goal: 0.7,
    },
    {
      name: 'Data API calls per 1000 changes, the most of any mix',
      value: Math.max(...calls),
      unit: 'calls',
      baseline: 1000,
      limit: 6,
      ratio: Math.max(...calls) / 1000,
      goal: 6,
    },
  ]
}

/** Changes per second of the first design's handler. */
export const originalRate = async ({ worker }: Stage): Promise<number> => {
  const { original: count } = TURNS
  const from = 40_000_000
  const { ms } = await worker.run({ way: 'original', batch: 1, from, count, version: 1 })
  return (count * 1000) / ms
}

/** What a long run costs: CPU, memory, and whether the last changes cost more than the first. */
export const longRun = async ({ worker }: Stage, changes = 100_000): Promise<Line[]> => {
  const run = await worker.run({
    way: 'ours',
    batch: 1000,
    from: 50_000_000,
    count: changes,
    version: 1,
  })
  const part = Math.max(1, Math.floor(run.invocations.length / 10))
  const first = median(run.invocations.slice(0, part))
  const last = median(run.invocations.slice(-part))
  return [
    {
      name: `CPU of the handlers per ${changes} changes`,
      value: run.cpuSeconds,
      unit: 's',
      baseline: run.ms / 1000,
      limit: run.ms / 1000,
      ratio: run.cpuSeconds / (run.ms / 1000),
    },
    {
      name: 'peak memory of the handlers',
      value: run.peakMemory / 2 ** 20,
      unit: 'MiB',
      baseline: 512,
      limit: 512,
      ratio: run.peakMemory / 2 ** 20 / 512,
    },
    {
      name: `time of the last tenth of ${changes} changes, by the first tenth`,
      value: last / first,
      unit: 'ratio',
      baseline: 1,
      limit: 1,
      ratio: last / first,
    },
  ]
}
