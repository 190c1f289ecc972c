import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { measure } from './data-api/measure.ts'
import { withParts } from './data-api/parts.ts'
import { linesOf } from './data-api/report.ts'
import { names, waysOf } from './data-api/ways.ts'
import { prepared, workloads } from './data-api/workloads.ts'

const USAGE = `npm run bench:data-api -- [--seconds N] [--only TEXT]

Measures the Data API's dialect, the bare SDK, a plain HTTP client and mysql2 on the same work, in one run and in
interleaved rounds, one caller at a time. Prints JSON lines. MySQL is found as npm start finds it (MYSQL_URL and
BACKSYNC_MYSQLD count).

  --seconds N   about how long the measuring takes; default 80
  --only TEXT   only the workloads whose name holds this text
`

const ROUNDS = 12

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '80' },
      only: { type: 'string', default: '' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const seconds = Number(values.seconds)
  if (!(seconds > 0 && seconds <= 600)) throw new TypeError('--seconds must be a number from 1 to 600')
  await withParts(async (parts) => {
    const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
    print({ engine: parts.engine, node: process.version, cores: availableParallelism() })
    for (const query of prepared()) {
      await query.execute(parts.dialect)
    }
    const all = workloads().filter(({ name }) => name.includes(values.only))
    if (all.length === 0) throw new TypeError(`no workload's name holds ${JSON.stringify(values.only)}`)
    const turns = all.length * Object.keys(names).length * (ROUNDS + 1)
    for (const workload of all) {
      const ways = await waysOf(parts, workload)
      const times = await measure(ways, {
        rounds: ROUNDS,
        turnMs: (seconds * 1000) / turns,
        rows: workload.rows,
      })
      for (const line of linesOf(workload, times)) print(line)
    }
  })
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n\n${USAGE}`)
  process.exitCode = 1
})
