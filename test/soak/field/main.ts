/**
 * `npm run field -- [--writes N] [--seed S] [--restored N] [--json]`: careful, careless and legacy writers, each with
 * keys of its own, under faults, in the whole local stack. Each key must end as its story says: equal in both stores, or
 * listed. Exit code 1: one does not.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { openGround } from '../ground.ts'
import { InterruptedError, unlessInterrupted } from '../interrupted.ts'
import { runField } from './run-field.ts'

type Options = {
  readonly writes: number
  readonly minutes?: number
  readonly seed: number
  readonly restored: number
  readonly patience: number
  readonly failover: number
  readonly faults: boolean
}

const count = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number')
  return value
}
const options = new Command('field')
  .description('proves that what careless writers do is equal in both stores in the end, or listed')
  .option('--writes <n>', 'how many, of all writers together', count, 20_000)
  .option('--minutes <n>', 'ends the writing earlier', Number)
  .option('--seed <n>', 'repeats a schedule', count, Date.now() % 1_000_000)
  .option('--restored <n>', 'keys that a copy brings back older than they were', count, 200)
  .option('--patience <s>', 'how long nothing at all may be delivered', count, 240)
  .option('--failover <s>', 'how long the failovers last that rows meet', count, 4)
  .option('--no-faults', 'without faults')
  .parse()
  .opts<Options>()

/** How many problems are printed; the file has all of them. */
const SHOWN = 20

const home = await mkdtemp(join(tmpdir(), 'backsync-field-'))
console.log(`seed ${options.seed}, ${options.writes} writes; data and logs in ${home}`)
const ground = await openGround({ home, parallelizationFactor: 2 })
let isOver = false
try {
  const running = runField(ground, {
    ...options,
    ...(options.minutes !== undefined && { time: options.minutes * 60_000 }),
    patience: options.patience * 1_000,
    failover: options.failover * 1_000,
    ...(options.faults && { pause: 3_000 }),
    progress: (line) => console.log(line),
  })
  const { problems, ...figures } = await unlessInterrupted(running)
  for (const problem of problems.slice(0, SHOWN)) console.log(problem)
  console.log(JSON.stringify({ ...figures, problems: problems.length, passed: problems.length === 0 }))
  if (problems.length > 0) {
    process.exitCode = 1
    const file = join(home, 'problems.txt')
    await writeFile(file, problems.join('\n'))
    console.error(`seed ${options.seed}; all problems: ${file}; logs: ${join(home, 'logs')}`)
  } else isOver = true
} catch (error) {
  console.error(`${error}`)
  process.exitCode = error instanceof InterruptedError ? 130 : 1
} finally {
  await ground.close()
}
// Not before: a server that is just being started again would find no folder.
if (isOver) await rm(home, { recursive: true, force: true })
// Stories that were under way wait for what doesn't come any more.
process.exit()
