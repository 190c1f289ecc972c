import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { readLanes, readProofs } from '../support/lanes.ts'
import { countResults } from '../support/tally.mjs'
import { runProgram } from './child.ts'
import type { Proved, Proving } from './plan.ts'
import { playRounds } from './rounds.ts'

const root = resolve(import.meta.dirname, '..', '..')
const JEST = join(root, 'node_modules', 'jest', 'bin', 'jest.js')

/**
 * What is random, from one seed after another, and in the first round what is long.
 *
 * Tests without SQL are the same on each engine: they are played on the first one only.
 */
export const proveProperties = async ({
  engine,
  first: everything,
  ms,
  seed,
  factor,
  say,
  signal,
}: Proving): Promise<Proved> => {
  const proofs = readProofs(root)
  const withSql = new Set(readLanes(root).mysql)
  const played = (tests: readonly string[]): readonly string[] =>
    tests.filter((path) => everything || withSql.has(path)).map((path) => relative(root, path))
  // A first round is played to its end: in a short time what is long and the same from each seed has one engine.
  const [random, once] = [played(proofs.random), everything || factor > 1 ? played(proofs.once) : []]

  return playRounds({
    ms,
    seed,
    signal,
    say: (line) => say(`properties on ${engine.name}: ${line}`),
    play: async ({ seed: next, first, ms: bound }) => {
      const tests = first ? [...random, ...once] : random
      const folder = mkdtempSync(join(tmpdir(), 'backsync-prove-'))
      const path = join(folder, 'results.json')
      try {
        say(`${tests.length} files of random and long tests on ${engine.name}, seed ${next}`)
        const env = { BACKSYNC_SEED: String(next), BACKSYNC_RUNS: String(factor) }
        const options = [
          `--maxWorkers=${availableParallelism()}`,
          '--json',
          `--outputFile=${path}`,
          '--silent',
        ]
        const args = [JEST, ...options, '--runTestsByPath', ...tests]
        const { code, cut } = await runProgram(args, { engine, env, ms: bound, signal })
        if (cut) return { passed: 0, failed: 0, cut }
        const tally = countResults({ path, ok: code === 0, print: say })
        if (tally.failed > 0)
          say(
            `FAILED: BACKSYNC_SEED=${next} BACKSYNC_RUNS=${factor} BACKSYNC_MYSQLD=${engine.env.BACKSYNC_MYSQLD ?? ''} npm test -- PATH repeats one file of it`,
          )
        return { ...tally, cut }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  })
}
