import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Line, print } from './back-sync/line.ts'
import { copyAndCleanup } from './tables/copy.ts'
import { overDistance } from './tables/distance.ts'
import { largeItems, smallItems } from './tables/items.ts'
import { memory } from './tables/memory.ts'
import { replication } from './tables/replicate.ts'
import { openStage, type Stage } from './tables/stage.ts'

const USAGE = `npm run bench:tables -- [--only copy|cleanup|distance|replicate|memory] [--items N]

Measures what works on whole DynamoDB tables, in one run, against plain SDK calls: copies and cleanups of a table of
small items and of one with items of 10 KB, replication of stream records, and the memory of a copy. Prints JSON lines.
DynamoDB is found as npm start finds it.

  --items N   small items, a tenth as many large ones, ten times as many for the memory (100000)
`

const ITEMS = 100_000

type Part = (stage: Stage, items: number) => AsyncIterable<readonly Line[]>

const copies = (...wanted: ('copy' | 'cleanup')[]): Part =>
  async function* (stage, items) {
    for (const workload of [smallItems(items), largeItems(Math.ceil(items / 10))])
      yield await copyAndCleanup(stage, workload, wanted)
  }

const parts: Readonly<Record<string, Part>> = {
  copy: copies('copy'),
  cleanup: copies('cleanup'),
  async *distance(stage, items) {
    yield await overDistance(stage, items)
  },
  async *replicate(stage) {
    yield await replication(stage)
  },
  async *memory(stage, items) {
    yield await memory(stage, items * 10)
  },
}

/** Only a table that was copied can be emptied: a whole run does both at once. */
const whole = [copies('copy', 'cleanup'), parts.distance, parts.replicate, parts.memory]

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      items: { type: 'string', default: String(ITEMS) },
      help: { type: 'boolean', default: false },
    },
  })
  const items = Number(values.items)
  const known = values.only === undefined || values.only in parts
  if (values.help || !known || !Number.isSafeInteger(items) || items < 1_000) {
    process.stdout.write(USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const wanted = values.only === undefined ? whole : [parts[values.only]]
  for (const [at, part] of wanted.entries()) {
    // A DynamoDB of its own for each: an emulator gets slower with what it holds.
    const stage = await openStage()
    const leave = (signal: 'SIGINT' | 'SIGTERM'): void =>
      void stage.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    process.once('SIGINT', leave).once('SIGTERM', leave)
    try {
      if (at === 0)
        process.stdout.write(
          `${JSON.stringify({ engine: stage.engine, data: stage.data, node: process.version, cores: availableParallelism() })}\n`,
        )
      for await (const lines of part?.(stage, items) ?? []) for (const line of lines) print(line)
    } finally {
      process.off('SIGINT', leave).off('SIGTERM', leave)
      await stage.close()
    }
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
