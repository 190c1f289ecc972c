import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Line, print } from './back-sync/line.ts'
import { inTime } from './budget.ts'
import { copyAndCleanup } from './tables/copy.ts'
import { overDistance } from './tables/distance.ts'
import { largeItems, smallItems } from './tables/items.ts'
import { memory } from './tables/memory.ts'
import { replication } from './tables/replicate.ts'
import { openStage, type Stage } from './tables/stage.ts'

const USAGE = `npm run bench:tables -- [--only copy|cleanup|distance|replicate|memory] [--items N] [--large]

Measures what works on whole DynamoDB tables, in one run, against plain SDK calls: copies and cleanups of a table of
small items and of one with items of 10 KB, replication of stream records, and the memory of a copy. Prints JSON lines.
DynamoDB is found as npm start finds it.

  --items N   small items, a tenth as many large ones, five times as many for the memory (40000)
  --large     100000 small items, a million for the memory, and no limit of ten minutes
`

const ITEMS = 40_000
const LARGE = { items: 100_000, inMemory: 1_000_000 }
/** How many times the small items are there for the memory. */
const IN_MEMORY = 5

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
    yield await memory(stage, items === LARGE.items ? LARGE.inMemory : items * IN_MEMORY)
  },
}

/** Only a table that was copied can be emptied: a whole run does both at once. */
const whole: readonly (readonly [string, Part | undefined])[] = [
  ['copy', copies('copy', 'cleanup')],
  ...['replicate', 'distance', 'memory'].map((name) => [name, parts[name]] as const),
]

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      items: { type: 'string' },
      large: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { large } = values
  const items = Number(values.items ?? (large ? LARGE.items : ITEMS))
  const known = values.only === undefined || values.only in parts
  if (values.help || !known || !Number.isSafeInteger(items) || items < 1_000) {
    process.stdout.write(USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const wanted = values.only === undefined ? whole : [[values.only, parts[values.only]] as const]
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  if (!large && values.items === undefined)
    say(`${items} items; skipped: ${LARGE.items} of them, and a million for the memory (--large)`)
  let first = true
  for (const [, part] of inTime(wanted, { large, say })) {
    // A DynamoDB of its own for each: an emulator gets slower with what it holds.
    const stage = await openStage()
    const leave = (signal: 'SIGINT' | 'SIGTERM'): void =>
      void stage.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    process.once('SIGINT', leave).once('SIGTERM', leave)
    try {
      if (first)
        process.stdout.write(
          `${JSON.stringify({ engine: stage.engine, data: stage.data, node: process.version, cores: availableParallelism() })}\n`,
        )
      first = false
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
