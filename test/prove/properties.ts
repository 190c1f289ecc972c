import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { readProofs } from '../support/lanes.ts'
import { countResults } from '../support/tally.mjs'
import { runProgram } from './child.ts'
import type { Proved, Proving } from './plan.ts'

const root = resolve(import.meta.dirname, '..', '..')
const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
]

/**
 * Round after round of the long tests and of all that are random, kills among them, each from the next seed, until the time is up. The
 * round that the end of the time cuts short counts for nothing, unless it is the first.
 */
export const proveProperties = async ({
  engine,
  ms,
  seed,
  factor,
  say,
  signal,
}: Proving): Promise<Proved> => {
  const tests = readProofs(root).map((path) => relative(root, path))
  const ends = performance.now() + ms
  let [passed, failed, rounds] = [0, 0, 0]
  for (let next = seed; performance.now() < ends && !signal.aborted; next++) {
    const folder = mkdtempSync(join(tmpdir(), 'backsync-prove-'))
    const path = join(folder, 'results.json')
    try {
      say(`${tests.length} files of random tests on ${engine.name}, seed ${next}`)
      const env = { BACKSYNC_SEED: String(next), BACKSYNC_RUNS: String(factor) }
      const args = [...JEST, '--json', `--outputFile=${path}`, '--silent', '--runTestsByPath', ...tests]
      const left = ends - performance.now()
      // The first round is played to its end, or nothing would have been proved.
      const { code, cut } = await runProgram(args, { engine, env, ms: rounds === 0 ? ms * 3 : left, signal })
      if (cut && rounds > 0) break
      const tally = countResults({ path, ok: code === 0, print: say })
      rounds += 1
      passed += tally.passed
      failed += tally.failed
      if (tally.failed > 0)
        say(
          `FAILED: BACKSYNC_SEED=${next} BACKSYNC_RUNS=${factor} BACKSYNC_MYSQLD=${engine.env.BACKSYNC_MYSQLD ?? ''} npm test -- PATH repeats one file of it`,
        )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  say(`properties on ${engine.name}: ${rounds} seeds from ${seed}, ${passed} passed, ${failed} failed`)
  return { passed, failed }
}
