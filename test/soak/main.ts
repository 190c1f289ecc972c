/**
 * `npm run soak -- --minutes N [--seed S] [--engine mariadb|mysql] [--rate R] [--json]`: writes on both entities through
 * the whole local stack while everything that can go wrong does, then compares both stores key by key.
 * Exit code 1: something differs, or a fault never happened. Ctrl-C ends the writing, not the comparison.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { openGround } from './ground.ts'
import { bigints, differenceText, hasPassed, progressLine, resultJson, resultText } from './report.ts'
import { runSoak, type SoakResult } from './run.ts'

type Options = {
  readonly minutes: number
  readonly seed: number
  readonly engine?: 'mariadb' | 'mysql'
  readonly rate: number
  readonly lanes: number
  readonly json: boolean
}

const positive = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0')
  return value
}

const options = new Command('soak')
  .description('proves that nothing acknowledged is lost, whatever goes wrong')
  .option('--minutes <n>', 'how long is written', positive, 5)
  .option('--seed <n>', 'repeats a schedule', positive, Date.now() % 1_000_000)
  .addOption(new Option('--engine <name>', 'refuses another server than this').choices(['mariadb', 'mysql']))
  .option('--rate <n>', 'writes a second', positive, 40)
  .option('--lanes <n>', 'concurrent batches per shard', positive, 2)
  .option('--json', 'prints nothing but one line of JSON at the end', false)
  .parse()
  .opts<Options>()

/** How many differences are printed; the file has all of them. */
const SHOWN = 5

const say = (line: string): void => {
  if (!options.json) console.log(line)
}

const report = async (result: SoakResult, home: string): Promise<void> => {
  for (const one of [...result.divergences, ...result.onlyByRetry].slice(0, SHOWN)) say(differenceText(one))
  say(resultText(result))
  console.log(resultJson(result))
  if (hasPassed(result)) return
  process.exitCode = 1
  const file = join(home, 'result.json')
  await writeFile(file, JSON.stringify(result, bigints, 2))
  console.error(`seed ${result.seed}; both sides and histories: ${file}; logs: ${join(home, 'logs')}`)
}

const interrupted = new AbortController()
process.once('SIGINT', () => {
  console.error('comparing what there is; press again to leave at once')
  interrupted.abort()
})
process.once('SIGTERM', () => interrupted.abort())

const home = await mkdtemp(join(tmpdir(), 'backsync-soak-'))
say(`seed ${options.seed}, ${options.minutes} minutes at ${options.rate} writes/s; data and logs in ${home}`)
const ground = await openGround({ home, parallelizationFactor: options.lanes })
let isOver = false
try {
  const engine = ground.stack.servers.mysql
  say(engine)
  if (options.engine !== undefined && !engine.toLowerCase().startsWith(options.engine))
    throw new Error(`this is ${engine}: name a ${options.engine} server in BACKSYNC_MYSQLD`)
  const result = await runSoak(ground, {
    seed: options.seed,
    rate: options.rate,
    time: options.minutes * 60_000,
    pause: 3_000,
    signal: interrupted.signal,
    progress: (progress) => say(progressLine(progress)),
  })
  await report(result, home)
  isOver = hasPassed(result)
} finally {
  await ground.close()
}
// Not before: a server that is just being started again would find no folder.
if (isOver) await rm(home, { recursive: true, force: true })
