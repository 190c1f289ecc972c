import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundlesIn } from './bundle/bundles.ts'
import { importTimes } from './bundle/import-time.ts'
import { bundleLines } from './bundle/report.ts'

const USAGE = `node test/bench/bundle.ts [--rounds N]

Bundles the functions as they deploy and imports each in fresh processes, in interleaved rounds: what a cold start
spends before the first invocation. Prints JSON lines.

  --rounds N   imports of each bundle, 15 to 200; default 21
`

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '21' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const rounds = Number(values.rounds)
  if (!(Number.isInteger(rounds) && rounds >= 15 && rounds <= 200))
    throw new TypeError('--rounds must be a whole number from 15 to 200')
  const folder = mkdtempSync(join(tmpdir(), 'backsync-bench-bundle-'))
  try {
    const bundles = bundlesIn(folder)
    const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
    print({ node: process.version, cores: availableParallelism(), rounds })
    const times = importTimes(bundles, rounds)
    for (const bundle of bundles) for (const line of bundleLines(bundle, times.get(bundle) ?? [])) print(line)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n\n${USAGE}`)
  process.exitCode = 1
})
