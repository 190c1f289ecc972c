import type { Line } from '../back-sync/line.ts'
import { smallItems } from './items.ts'
import { type Report, report } from './protocol.ts'
import type { Stage } from './stage.ts'
import { fill } from './ways.ts'
import { startWorker } from './worker.ts'

/*
 * What limits: two pages of each segment are in memory at once, some thousand small items or some 16 MB of large ones.
 * Nothing is kept of an item that was written: after a collection some 20 MiB are in use, whatever the table's size. How
 * far the process grows before V8 collects is V8's choice, and on a machine with much memory it lets it grow; told to
 * mind the size, it doesn't, at a tenth of the speed or less. Both are printed.
 */

const MIB = 2 ** 20
const LIMIT = 200
/** Fewer items than this tell nothing about a table's size: the process itself is the most of it. */
const FEW = 10_000
const PROGRESS_STEP = 100_000

/** What V8 is told. */
const SETTINGS = { small: ['--optimize-for-size'], own: [] } as const

/** The largest resident set of a process that copies a small table, and one that copies a large one. */
export const memory = async (stage: Stage, many: number): Promise<readonly Line[]> => {
  const few = await peakOf(stage, FEW, 'small')
  const large = await peakOf(stage, many, 'small')
  const middle = Math.ceil(many / 10)
  const lazy = await peakOf(stage, middle, 'own')
  const line = (name: string, peak: number, goal?: number): Line => ({
    name,
    value: peak,
    unit: 'MiB',
    baseline: few,
    limit: LIMIT,
    ratio: peak / few,
    ofLimit: peak / LIMIT,
    ...(goal !== undefined && { goal }),
  })
  const flags = SETTINGS.small.join(' ')
  return [
    line(`peak memory of a copy of ${FEW} items, node ${flags}`, few, LIMIT),
    line(`peak memory of a copy of ${many} items, node ${flags}`, large, LIMIT),
    line(`peak memory of a copy of ${middle} items, node's own settings`, lazy),
  ]
}

/** @returns MiB */
const peakOf = async (stage: Stage, count: number, setting: keyof typeof SETTINGS): Promise<number> => {
  const [from, to] = [await stage.create(), await stage.create()]
  let next = PROGRESS_STEP
  await fill(stage.client, from, smallItems(count), (written) => {
    if (written < next) return
    process.stderr.write(`memory: ${written} of ${count} items are there to be copied\n`)
    next += PROGRESS_STEP
  })
  const worker = await startWorker<{ from: string; to: string }, Report>(
    './memory-child.ts',
    report,
    { AWS_ENDPOINT_URL_DYNAMODB: stage.endpoint },
    SETTINGS[setting],
  )
  try {
    const { records, ms, peakMemory } = await worker.run({ from, to })
    if (records !== count) throw new RangeError(`${records} items were copied instead of ${count}`)
    process.stderr.write(`memory: ${count} items copied in ${Math.round(ms / 1000)} s\n`)
    return peakMemory / MIB
  } finally {
    await worker.stop()
    for (const table of [from, to]) await stage.drop(table)
  }
}
