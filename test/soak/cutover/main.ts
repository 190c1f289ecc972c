/**
 * `node test/soak/cutover/main.ts [--moves N] [--requests N] [--instances N] [--kills N] [--seed S] [--minutes N]
 * [--engine mariadb|mysql] [--no-faults]`: clients of many facades at once, which are frozen and killed, while routes are moved to
 * and fro, sweeps die and plain SQL writes beside. Then every answer has to be that of one register a key. Prints one line of JSON;
 * exit code 1: it isn't so.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { InterruptedError, unlessInterrupted } from '../interrupted.ts'
import type { Finding } from './checker.ts'
import { openMovedGround } from './ground.ts'
import { runCutover } from './run-cutover.ts'
import { RETENTION_SECONDS, runRestored } from './run-restored.ts'

type Options = {
  readonly moves: number
  readonly requests: number
  readonly instances: number
  readonly kills: number
  readonly seed: number
  readonly minutes?: number
  readonly patience: number
  readonly engine?: 'mariadb' | 'mysql'
  readonly faults: boolean
  readonly keep: boolean
  readonly restored?: 'aurora' | 'dynamo'
}

type Result = { readonly problems: readonly string[]; readonly findings?: readonly Finding[] }

const positive = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0')
  return value
}
const options = new Command('cutover')
  .description('proves that no request is lost or answered wrongly while routes are moved')
  .option('--moves <n>', 'of routes', positive, 30)
  .option('--requests <n>', 'of all clients', positive, 5_000)
  .option('--instances <n>', 'facades at once', positive, 20)
  .option('--kills <n>', 'of facades', positive, 10)
  .option('--seed <n>', 'repeats a schedule', positive, Date.now() % 1_000_000)
  .option('--minutes <n>', 'ends it earlier', positive)
  .option('--patience <s>', 'how long both stores may take to become equal in the end', positive, 240)
  .addOption(new Option('--engine <name>', 'refuses another server than this').choices(['mariadb', 'mysql']))
  .addOption(
    new Option('--restored <store>', 'restores that one to before a move, and recovers').choices([
      'aurora',
      'dynamo',
    ]),
  )
  .option('--no-faults', 'without faults and kills')
  .option('--keep', 'leaves data and logs where they are', false)
  .parse()
  .opts<Options>()

/** How many problems are printed; the file has all of them. */
const SHOWN = 10

const home = await mkdtemp(join(tmpdir(), 'backsync-cutover-'))
console.log(
  `seed ${options.seed}, ${options.requests} requests, ${options.moves} moves; data and logs in ${home}`,
)
const { restored } = options
const ground = await openMovedGround(home, {
  retentionSeconds: restored === 'dynamo' ? RETENTION_SECONDS : undefined,
})
let isOver = false
try {
  const engine = ground.stack.servers.mysql
  if (options.engine !== undefined && !engine.toLowerCase().startsWith(options.engine))
    throw new Error(`this is ${engine}: name a ${options.engine} server in BACKSYNC_MYSQLD`)
  const { minutes, ...rest } = options
  const given = {
    ...rest,
    patience: options.patience * 1_000,
    ...(minutes !== undefined && { time: minutes * 60_000 }),
    progress: (line: string) => console.log(line),
  }
  const running =
    restored === undefined ? runCutover(ground, given) : runRestored(ground, { ...given, restored })
  const { problems, findings = [], ...figures }: Result = await unlessInterrupted<Result>(running)
  for (const problem of problems.slice(0, SHOWN)) console.log(`problem: ${problem}`)
  for (const { key, what, evidence } of findings.slice(0, SHOWN))
    console.log([`finding: ${key}: ${what}`, ...evidence.map((line) => `  ${line}`)].join('\n'))
  const passed = problems.length === 0 && findings.length === 0
  console.log(JSON.stringify({ ...figures, problems: problems.length, findings: findings.length, passed }))
  if (!passed) {
    process.exitCode = 1
    const file = join(home, 'findings.json')
    await writeFile(file, JSON.stringify({ problems, findings }, null, 2))
    console.error(`seed ${options.seed}; all of it: ${file}; logs: ${join(home, 'logs')}`)
  } else isOver = true
} catch (error) {
  console.error(error)
  process.exitCode = error instanceof InterruptedError ? 130 : 1
} finally {
  await ground.close()
}
if (isOver && !options.keep) await rm(home, { recursive: true, force: true })
// What was under way waits for what doesn't come any more.
process.exit()
