/**
 * `npm run soak:both -- [--minutes N] [--seed S] [--rate R] [--no-faults]`: legacy programs by plain SQL, clients of both APIs
 * and writers of items on the same keys, which move to and fro meanwhile, under faults, in the whole local stack. Then each
 * key must hold what was acknowledged last, the same in both stores, or be listed; and nothing may move any more. Exit code 1: it
 * isn't so.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { mirroredApp } from '../../fixtures/mirrored/sources.ts'
import { openGround } from '../ground.ts'
import { InterruptedError, unlessInterrupted } from '../interrupted.ts'
import { openMoves } from './move.ts'
import { prepareBoth } from './prepare.ts'
import { runBoth } from './run-both.ts'

type Options = {
  readonly minutes: number
  readonly seed: number
  readonly rate: number
  readonly faults: boolean
}

const positive = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0')
  return value
}
const options = new Command('both')
  .description('proves that nothing acknowledged is lost where both sides write the same keys')
  .option('--minutes <n>', 'how long is written', positive, 5)
  .option('--seed <n>', 'repeats a schedule', positive, Date.now() % 1_000_000)
  .option('--rate <n>', 'writes a second, at most', positive, 40)
  .option('--no-faults', 'without faults')
  .parse()
  .opts<Options>()

/** How many problems are printed; the file has all of them. */
const SHOWN = 20

const home = await mkdtemp(join(tmpdir(), 'backsync-both-'))
console.log(`seed ${options.seed}, ${options.minutes} minutes; data and logs in ${home}`)
const ground = await openGround({ home, parallelizationFactor: 2, app: mirroredApp })
let isOver = false
try {
  await prepareBoth(ground)
  const moves = openMoves(ground)
  try {
    const running = runBoth(ground, {
      seed: options.seed,
      rate: options.rate,
      time: options.minutes * 60_000,
      ...(options.faults && { pause: 3_000 }),
      move: moves.move,
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
  } finally {
    moves.close()
  }
} catch (error) {
  console.error(`${error}`)
  process.exitCode = error instanceof InterruptedError ? 130 : 1
} finally {
  await ground.close()
}
// Not before: a server that is just being started again would find no folder.
if (isOver) await rm(home, { recursive: true, force: true })
// Writers that were under way wait for what doesn't come any more.
process.exit()
