import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { lagAt, lagLines, throughput } from './back-sync/end-to-end.ts'
import { handlerLevel, longRun, originalRate } from './back-sync/handler-level.ts'
import { type Line, print } from './back-sync/line.ts'
import { openStage, type Stage } from './back-sync/stage.ts'
import { inTime } from './budget.ts'
import { percentile } from './data-api/measure.ts'

const USAGE = `npm run bench:back-sync -- [--only handler|long|throughput|lag|poison] [--large]

Measures the way back from DynamoDB to Aurora in one run: the legacy handler with prepared batches, against the first
design (one call per record) and against bare multi-row upserts by mysql2; then the whole local stack, from the
acknowledged write to the row's visibility. Prints JSON lines. MySQL is found as npm start finds it. What
would not end within ten minutes is skipped; --large has it all.
`

type Part = (stage: Stage) => Promise<readonly Line[]>

const parts: Readonly<Record<string, Part>> = {
  handler: handlerLevel,
  long: longRun,
  throughput: async (stage) => {
    const before = await originalRate(stage)
    await throughput(stage, 60_000_000, 500)
    const { value, written } = await throughput(stage, 61_000_000, 5_000)
    const original = (before + (await originalRate(stage))) / 2
    return [
      {
        name: 'end to end, as fast as it goes',
        value,
        unit: 'changes/s',
        baseline: original,
        // What the DynamoDB emulator itself took in, in the same run.
        limit: written,
        ratio: value / original,
        ofLimit: value / written,
        goal: 50,
      },
    ]
  },
  lag: async (stage) => [
    ...lagLines(
      'lag at 100 writes/s',
      await lagAt(stage, { from: 70_000_000, rate: 100, seconds: 10 }),
      undefined,
    ),
    ...lagLines('lag at 500 writes/s', await lagAt(stage, { from: 71_000_000, rate: 500, seconds: 15 }), 250),
  ],
  poison: async (stage) => {
    const clean = await lagAt(stage, { from: 80_000_000, rate: 200, seconds: 10 })
    const poisoned = await lagAt(stage, { from: 81_000_000, rate: 200, seconds: 10, poison: 0.01 })
    const p99 = percentile(poisoned.lags, 0.99)
    const before = percentile(clean.lags, 0.99)
    return [
      {
        name: '1 % poison: lag of the healthy, p99',
        value: p99,
        unit: 'ms',
        baseline: before,
        limit: before + 1_000,
        ratio: p99 / before,
      },
      {
        name: '1 % poison: parked after the last write',
        value: poisoned.parkedAfter ?? Number.NaN,
        unit: 'ms',
        baseline: p99,
        limit: 10_000,
        ratio: (poisoned.parkedAfter ?? Number.NaN) / p99,
      },
    ]
  },
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      large: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const wanted = values.only === undefined ? Object.keys(parts) : [values.only]
  if (values.help || wanted.some((name) => !(name in parts))) {
    process.stdout.write(USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const all = wanted.map((name) => [name, parts[name]] as const)
  for (const [name, part] of inTime(all, { large: values.large, say })) {
    // A stack of its own for each: a DynamoDB emulator gets slower with every record that its streams hold.
    const stage = await openStage()
    try {
      if (name === wanted[0])
        process.stdout.write(
          `${JSON.stringify({ engine: stage.engine, node: process.version, cores: availableParallelism() })}\n`,
        )
      for (const line of (await part?.(stage)) ?? []) print(line)
    } finally {
      await stage.close()
    }
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
