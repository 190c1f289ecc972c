#!/usr/bin/env node
// `npx backsync`, on any Node >= 18 and with nothing installed: node: modules only, and JavaScript.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePackages, InstallError, nodeBinary } from '../install/packages.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')

/**
 * Runs the command with our own Node, in this process's group: a terminal's Ctrl-C reaches both, and the command is
 * the one to answer it. A signal that was sent to this process alone is passed on; the command takes the two for one.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code; 128 and the signal's number when a signal ended it, as a shell has it
 */
const run = (args) =>
  new Promise((resolve, reject) => {
    // What Node has compiled of a command is kept: half of the time in which it starts.
    const { NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'backsync', 'compiled') } = process.env
    const env = { ...process.env, NODE_COMPILE_CACHE }
    const child = spawn(nodeBinary(root), [...args], { stdio: 'inherit', env })
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
      process.on(signal, () => child.kill(signal))
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  })

try {
  // Results are on stdout, and nothing else is.
  await ensurePackages({ root, log: (line) => console.error(line) })
  // A job over a large table makes much that is short-lived, for which V8 would take what memory it finds.
  const memory = '--optimize-for-size'
  process.exitCode = await run([memory, join(here, 'main.ts'), ...process.argv.slice(2)])
} catch (error) {
  if (!(error instanceof InstallError)) throw error
  console.error(error.output)
  console.error(error.message)
  process.exitCode = 1
}
