import type { Line } from '../back-sync/line.ts'
import { median } from '../data-api/measure.ts'
import type { Workload } from './items.ts'
import { openCopier } from './ours.ts'
import { inRounds, ratioOf } from './rounds.ts'
import { ownClientOf, type Stage } from './stage.ts'
import { copySequentially, copyUnbounded, emptySequentially, emptyUnbounded, fill, takeIn } from './ways.ts'

/*
 * What limits: the emulator has one writer. It takes in not much more from many callers than from one, so that here no
 * way can be several times as fast as the sequential one, and a copy is as good as it can be when it is close to the limit. On
 * AWS, where a call waits for the network and a table has as many writers as partitions, the ways differ by their
 * concurrency: that is what the lines with a distance between client and server show.
 */

const COPY_GOAL = 5
const OF_LIMIT = 0.8
const OF_INTAKE = 0.9

/** Batches in flight that are tried for the limit. */
const CONCURRENCIES = [2, 4, 8, 16] as const
/** Rounds over a whole table. */
const ROUNDS = 3

const copying = ['sequential', 'ours', 'limit', 'intake'] as const
const emptying = ['sequential', 'ours', 'limit'] as const
type Measured = 'copy' | 'cleanup'

/** How many batches at once the emulator takes in best, tried on a part of the workload. */
const bestConcurrency = async (stage: Stage, workload: Workload): Promise<number> => {
  const part = { ...workload, count: Math.ceil(workload.count / 10) }
  let best = { concurrency: 1, ms: Number.POSITIVE_INFINITY }
  for (const concurrency of CONCURRENCIES) {
    const table = await stage.create()
    const start = performance.now()
    await takeIn(stage.client, table, part, concurrency)
    const ms = performance.now() - start
    if (ms < best.ms) best = { concurrency, ms }
    await stage.drop(table)
  }
  return best.concurrency
}

type Rates = Readonly<Record<'sequential' | 'ours' | 'limit', readonly number[]>>

/** One line against the original way and the limit. @param goal times the original way */
const rateLine = (name: string, { sequential, ours, limit }: Rates, goal?: number): Line => ({
  name,
  value: median(ours),
  unit: 'items/s',
  baseline: median(sequential),
  limit: median(limit),
  ratio: ratioOf(ours, sequential),
  ofLimit: ratioOf(ours, limit),
  ...(goal !== undefined && { goal }),
})

const shareLine = (name: string, own: readonly number[], other: readonly number[], goal: number): Line => ({
  name,
  value: ratioOf(own, other),
  unit: 'ratio',
  baseline: 1,
  limit: 1,
  ratio: ratioOf(own, other),
  goal,
})

/**
 * Copies a table to empty ones, then empties those, in interleaved rounds.
 *
 * @param wanted what is printed; tables are only emptied where that is asked for
 */
export const copyAndCleanup = async (
  stage: Stage,
  workload: Workload,
  wanted: readonly Measured[],
): Promise<readonly Line[]> => {
  const { client } = stage
  const own = ownClientOf(stage.endpoint)
  const copier = await openCopier({ client: own, create: stage.create })
  const source = await stage.create()
  await fill(client, source, workload)
  const concurrency = await bestConcurrency(stage, workload)
  const targets = new Map<string, string>()
  const target = (way: string): string => targets.get(way) ?? ''
  const cleanups: Record<(typeof emptying)[number], number[]> = { sequential: [], ours: [], limit: [] }
  /** Without the comparison at the copy's end, which the other ways don't have. */
  const bare: number[] = []

  const copies = await inRounds({
    ways: copying,
    rounds: ROUNDS,
    expected: workload.count,
    turns: async () => {
      for (const way of copying) targets.set(way, await stage.create())
      return {
        sequential: () => copySequentially(client, source, target('sequential')),
        ours: async () => {
          const { items, ms } = await copier.copy(source, target('ours'))
          bare.push((items * 1000) / ms)
          return items
        },
        limit: () => copyUnbounded(client, source, target('limit'), concurrency),
        intake: () => takeIn(client, target('intake'), workload, concurrency),
      }
    },
    done: async (round) => {
      if (wanted.includes('cleanup')) {
        const rates = await inRounds({
          ways: emptying,
          rounds: 1,
          first: round,
          expected: workload.count,
          turns: async () => ({
            sequential: () => emptySequentially(client, target('sequential')),
            ours: () => copier.empty(target('ours')),
            limit: () => emptyUnbounded(client, target('limit'), concurrency),
          }),
        })
        for (const way of emptying) cleanups[way].push(...rates[way])
      }
      for (const table of targets.values()) await stage.drop(table)
    },
  })
  await stage.drop(source)
  own.destroy()

  const { name } = workload
  const reachable = Math.min(COPY_GOAL, OF_INTAKE * ratioOf(copies.intake, copies.sequential))
  const compared = `copy of ${name}, with the comparison at its end`
  return [
    ...(wanted.includes('copy')
      ? [
          rateLine(
            `copy of ${name}, against one batch of 25 after the other`,
            { ...copies, ours: bare },
            reachable,
          ),
          shareLine(
            `copy of ${name}, share of parallel scan and bare BatchWrite`,
            bare,
            copies.limit,
            OF_LIMIT,
          ),
          shareLine(`copy of ${name}, share of what the emulator takes in`, bare, copies.intake, OF_INTAKE),
          rateLine(compared, copies),
        ]
      : []),
    ...(wanted.includes('cleanup')
      ? [
          rateLine(`cleanup of ${name}, against one batch of 25 after the other`, cleanups),
          shareLine(
            `cleanup of ${name}, share of parallel scan and bare BatchWrite`,
            cleanups.ours,
            cleanups.limit,
            OF_LIMIT,
          ),
        ]
      : []),
  ]
}
