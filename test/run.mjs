// `npm test`: types, lint and all tests. `npm test -- PATH... [options of jest]`: only those tests. `npm test -- --integration`:
// the tests that use MySQL, to run them again on another server.
// On any Node >= 18 and with nothing installed: node: modules only, and JavaScript.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePackages, InstallError, nodeBinary } from '../infra/install/packages.mjs'
import { countResults } from './support/tally.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * One a core, and one more for files that mostly wait; any other one waits for a place at the cores (support/realm/places.ts). Beside
 * three that compute, tests that wait within a bound ran out of time now and then.
 */
const workers = availableParallelism() + 1

/** @typedef {import('./support/tally.mjs').Tally} Tally */

const args = process.argv.slice(2)

/** What children get: our own Node as `node`, also where this was not started by npm; and whether they run everything. */
const env = {
  ...process.env,
  ...(args.length === 0 && { BACKSYNC_SHORT: 'yes' }),
  ...(args.includes('--integration') && { BACKSYNC_AGAIN: 'yes' }),
  PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
}

/** @param {string} line */
const print = (line) => console.log(line)

/** @param {number} startedAt in ms */
const since = (startedAt) => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`

/**
 * Runs a script with our own Node to its end. Ctrl-C reaches it from the terminal; SIGTERM is passed on.
 *
 * @param {readonly string[]} args
 * @param {{ quiet: boolean, places?: string }} options quiet: nothing is printed, but returned; places: where test files take theirs
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
const runNode = (args, { quiet, places }) =>
  new Promise((resolve, reject) => {
    const child = spawn(nodeBinary(root), [...args], {
      cwd: root,
      env: { ...env, ...(places && { BACKSYNC_PLACES: places }) },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    })
    const passOn = () => child.kill('SIGTERM')
    process.once('SIGTERM', passOn)
    let output = ''
    const take = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString('utf8')
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('SIGTERM', passOn)
      resolve({ ok: code === 0, output: output.trimEnd() })
    })
  })

/**
 * A check that passes or fails as a whole; counts as one test.
 *
 * @param {string} name
 * @param {readonly string[]} args
 * @returns {Promise<Tally>}
 */
const check = async (name, args) => {
  const startedAt = Date.now()
  const { ok, output } = await runNode(args, { quiet: true })
  if (!ok) print(output)
  print(`${ok ? 'passed' : 'FAILED'}  ${name} (${since(startedAt)})`)
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/**
 * Whether it is one file that is run, once: no process is started for it.
 *
 * @param {readonly string[]} args for jest
 */
const isOneFile = (args) => {
  const [path, ...others] = args.filter((arg) => existsSync(join(root, arg)))
  return path?.endsWith('.test.ts') && others.length === 0 && !args.some((arg) => arg.startsWith('--watch'))
}

/**
 * @param {readonly string[]} args for jest
 * @returns {Promise<Tally>}
 */
const jest = async (args) => {
  const startedAt = Date.now()
  const folder = mkdtempSync(join(tmpdir(), 'backsync-results-'))
  try {
    const results = join(folder, 'results.json')
    const script = join('node_modules', 'jest', 'bin', 'jest.js')
    const { ok } = await runNode(
      [
        script,
        isOneFile(args) ? '--runInBand' : `--maxWorkers=${workers}`,
        '--json',
        `--outputFile=${results}`,
        ...args,
      ],
      { quiet: false, places: join(folder, 'places') },
    )
    const tally = countResults({ path: results, ok, print })
    print(`${tally.failed === 0 ? 'passed' : 'FAILED'}  tests (${since(startedAt)})`)
    return tally
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const integration = args.includes('--integration')
const jestArgs = args.filter((arg) => arg !== '--integration')
/** @type {Tally[]} */
const tallies = []
try {
  await ensurePackages({ root, log: print })
  if (args.length === 0) {
    const typescript = join('node_modules', 'typescript', 'bin', 'tsc')
    const biome = join('node_modules', '@biomejs', 'biome', 'bin', 'biome')
    // What it has found of files that have not changed since is kept: a third of the time.
    const found = join('node_modules', '.cache', 'backsync', 'types.tsbuildinfo')
    const types = check('type check', [typescript, '--noEmit', '--incremental', '--tsBuildInfoFile', found])
    const lint = check('lint and format', [biome, 'check', '--error-on-warnings', '.'])
    tallies.push(...(await Promise.all([types, lint])))
  }
  tallies.push(await jest([...jestArgs, ...(integration ? ['--selectProjects', 'mysql'] : [])]))
} catch (error) {
  if (error instanceof InstallError) print(`${error.output}\n${error.message}`)
  else console.error(error)
  tallies.push({ passed: 0, failed: 1 })
}

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0)
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0)
process.exitCode = failed === 0 ? 0 : 1
print(`${passed} passed, ${failed} failed`)
