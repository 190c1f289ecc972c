// Runs before anything is installed, on any Node >= 18: node: modules only, and JavaScript.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/** @type {readonly NodeJS.Signals[]} */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** One Ctrl-C may come twice, from the terminal and from npm, which passes it on. In ms; no hand is that fast. */
const sameKeyWithin = 300

/** @type {readonly ['inherit', 'inherit', 'inherit']} */
const inherit = ['inherit', 'inherit', 'inherit']

/**
 * Runs a command in the foreground, as if it had been typed: same terminal, its exit code, signals passed on.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks it, once, to stop (SIGTERM); a later one kills it. It has a process group
 * of its own, or else Ctrl-C would reach it twice: from the terminal, and from here. It is given a channel, whose
 * end tells it that this process was killed (follow-parent.mjs).
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>} its exit code; 128 and the signal's number when a signal ended it, as a shell has it
 */
export const runInForeground = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      ...options,
      stdio: [...inherit, 'ipc'],
      detached: process.platform !== 'win32',
    })
    /** @type {number | undefined} */
    let askedAt
    const onSignal = () => {
      const now = performance.now()
      if (askedAt === undefined) child.kill('SIGTERM')
      else if (now - askedAt >= sameKeyWithin) kill(child, 'SIGKILL')
      askedAt ??= now
    }
    for (const signal of stopSignals) process.on(signal, onSignal)
    const leave = () => {
      for (const signal of stopSignals) process.off(signal, onSignal)
    }
    child.once('error', (error) => {
      leave()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      leave()
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])
    })
  })

/**
 * The whole group: what the command started in its own group goes with it.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
const kill = (child, signal) => {
  if (process.platform === 'win32' || child.pid === undefined) {
    child.kill(signal)
    return
  }
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // ESRCH: it ended by itself in this very moment.
    if (!(error instanceof Object && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
