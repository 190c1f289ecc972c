// `npm run smoke`: starts the stack as `npm start` does, in a folder of its own, takes the walkthrough, and stops it; each
// within a bound. On any Node >= 18 and with nothing installed: node: modules only, and JavaScript.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary } from '../infra/install/packages.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** The first start installs the packages. */
const READY_MS = 10 * 60_000
const WALK_MS = 5 * 60_000
const STOP_MS = 60_000

/**
 * @param {string} what
 * @param {number} ms
 * @param {Promise<unknown>} work
 */
const within = async (what, ms, work) => {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: not within ${ms / 1000} s`)), ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const home = mkdtempSync(join(tmpdir(), 'backsync-smoke-'))
const stack = spawn(process.execPath, [join('infra', 'local', 'start.mjs')], {
  cwd: root,
  env: { ...process.env, BACKSYNC_HOME: home, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(stack, 'exit')
let printed = ''
/** @type {Promise<string>} */
const url = new Promise((resolve, reject) => {
  stack.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    process.stdout.write(text)
    printed += text
    const [, found] = /(http:\S+) {2}ready in/.exec(printed) ?? []
    if (found !== undefined) resolve(found)
  })
  stack.once('error', reject)
  void ended.then(([code, signal]) => reject(new Error(`the stack ended with ${code ?? signal}`)))
})

try {
  await within('the stack is ready', READY_MS, url)
  const walkthrough = join('infra', 'sample', 'walkthrough.ts')
  // `npx backsync init` removes it.
  if (existsSync(join(root, walkthrough))) {
    const walk = spawn(nodeBinary(root), [walkthrough, '--url', await url], {
      cwd: root,
      env: { ...process.env, BACKSYNC_HOME: home },
      stdio: 'inherit',
      timeout: WALK_MS,
    })
    const [code, signal] = await once(walk, 'exit')
    if (code !== 0) throw new Error(`the walkthrough ended with ${code ?? signal}`)
  }
  stack.kill('SIGTERM')
  await within('the stack has stopped', STOP_MS, ended)
  console.log('1 passed, 0 failed')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
} finally {
  if (stack.exitCode === null && stack.signalCode === null) {
    stack.kill('SIGTERM')
    await within('the stack has stopped', STOP_MS, ended).catch(() => stack.kill('SIGKILL'))
  }
  rmSync(home, { recursive: true, force: true })
}
