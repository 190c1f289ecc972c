import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What tells a process from a later one that was given the same number. */
export type ProcessIdentity = {
  /** When it started, in whatever form the system gives; compared for equality only. */
  readonly startedAt: string
  /** Its command and arguments. Off Linux they are joined by spaces and cannot be told apart exactly. */
  readonly commandLine: string
}

/**
 * Looks at a process by its number.
 *
 * @returns undefined when there is none, or only a zombie that nobody has waited for yet
 */
export const identifyProcess = async (pid: number): Promise<ProcessIdentity | undefined> =>
  process.platform === 'linux' ? readProc(pid) : askPs(pid)

const readProc = async (pid: number): Promise<ProcessIdentity | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name in brackets and may hold spaces; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[0]
    const startedAt = fields[19]
    if (state === 'Z' || state === 'X' || startedAt === undefined) return undefined
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    return { startedAt, commandLine: commandLine.replaceAll('\0', ' ').trimEnd() }
  } catch (error) {
    // ESRCH: it ended between the two reads.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  }
}

const askPs = async (pid: number): Promise<ProcessIdentity | undefined> => {
  try {
    const options = { timeout: 5_000, env: { ...process.env, LC_ALL: 'C' } }
    const { stdout } = await run('ps', ['-ww', '-o', 'stat=,lstart=,command=', '-p', String(pid)], options)
    // "Ss   Sat Nov 22 03:20:14 2026     /usr/local/bin/mysqld --no-defaults …"
    const found = /^\s*(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/m.exec(stdout)
    if (found?.[2] === undefined || found[3] === undefined || found[1]?.startsWith('Z')) return undefined
    return { startedAt: found[2], commandLine: found[3].trimEnd() }
  } catch (error) {
    // ps exits 1 when there is no such process.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 1) return undefined
    throw error
  }
}

/**
 * True for an error of the system with this code, such as `ENOENT`.
 *
 * By its shape and not by `instanceof Error`: code in a context of its own (node:vm, as under jest) has another Error.
 */
export const hasCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code
