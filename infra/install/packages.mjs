// Runs before anything is installed, on any Node >= 18: node: modules only, and JavaScript.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve as absolute, join } from 'node:path'

/** Whatever the user's settings (NODE_ENV=production leaves the first out): the bundler is among these packages. */
const everything = ['--include=dev', '--include=optional']

/** Written into node_modules when an installation has come to its good end; holds what it was made from. */
const stampName = '.backsync-install'

/**
 * What an installation is made from. The platform counts because binaries are among the packages, and the folder
 * may be shared between a machine and a container.
 *
 * @param {string} root the repository
 */
const fingerprint = (root) => {
  const lockfile = readFileSync(join(root, 'package-lock.json'))
  return `${createHash('sha256').update(lockfile).digest('hex')} ${process.platform}-${process.arch}`
}

/**
 * True when node_modules is what package-lock.json says: by the stamp, or because npm itself was run by hand.
 *
 * @param {string} root the repository
 */
const isInstalled = (root) => {
  if (!existsSync(nodeBinary(root))) return false
  const stamp = readOrNone(join(root, 'node_modules', stampName))
  return stamp === undefined ? matchesHiddenLockfile(root) : stamp === fingerprint(root)
}

/**
 * npm writes node_modules/.package-lock.json, the list of what it has installed, as its last step.
 *
 * @param {string} root
 */
const matchesHiddenLockfile = (root) => {
  const hidden = readOrNone(join(root, 'node_modules', '.package-lock.json'))
  if (hidden === undefined) return false
  const installed = packagesOf(hidden)
  const wanted = packagesOf(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path]
    // Not there and optional: made for another platform. The entry '' is the project itself.
    if (found === undefined) return path === '' || optional === true
    return found.version === version && found.integrity === integrity
  })
}

/**
 * @param {string} text a lockfile
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>}
 */
const packagesOf = (text) => {
  try {
    return JSON.parse(text).packages ?? {}
  } catch (error) {
    // Cut short while it was written: it lists nothing.
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** @param {string} path */
const readOrNone = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * The Node that runs everything of ours: the one of the `node` package, whatever the system has.
 *
 * @param {string} root the repository
 */
export const nodeBinary = (root) => {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  return join(root, 'node_modules', 'node', 'bin', name)
}

/**
 * Installs the packages when they are missing or stale; does nothing, in a few milliseconds, when they are not.
 *
 * @param {{ root: string, log: (line: string) => void, command?: string, args?: readonly string[] }} options
 *   `command` and `args` replace `npm ci`
 * @throws {InstallError} with npm's output
 */
export const ensurePackages = async ({ root, log, command, args = ['ci', ...everything] }) => {
  if (isInstalled(root)) return
  const unlock = await lock(root, log)
  try {
    // Another process may have installed while this one waited.
    if (isInstalled(root)) return
    const made = fingerprint(root)
    const why = existsSync(join(root, 'node_modules')) ? 'out of date' : 'missing'
    log(`the packages are ${why}: running npm ${args.join(' ')} (a minute or so)`)
    const startedAt = Date.now()
    rmSync(join(root, 'node_modules', stampName), { force: true })
    const { code, output } = await run(command ?? npmCommand(), args, root)
    if (code !== 0) throw new InstallError(`npm ${args.join(' ')} ended with ${code}`, output)
    if (!existsSync(nodeBinary(root)))
      throw new InstallError(
        `npm ${args.join(' ')} left no Node at ${nodeBinary(root)}; are install scripts off?`,
        output,
      )
    writeFileSync(join(root, 'node_modules', stampName), made)
    log(`packages installed in ${Math.round((Date.now() - startedAt) / 1000)} s`)
  } finally {
    unlock()
  }
}

/** The packages could not be installed; `output` is what npm said. */
export class InstallError extends Error {
  /**
   * @param {string} message
   * @param {string} output
   */
  constructor(message, output) {
    super(message)
    this.name = 'InstallError'
    this.code = 'install.failed'
    this.output = output
  }
}

/** npm is a batch file on Windows, which only a shell starts. */
const npmCommand = () => (process.platform === 'win32' ? 'npm.cmd' : 'npm')

/** The longest that an installation may take, in ms; a slow line is no error. */
const installWithin = 15 * 60_000

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<{ code: number | string, output: string }>}
 */
const run = (command, args, cwd) =>
  new Promise((resolve, reject) => {
    const shell = process.platform === 'win32'
    const child = spawn(command, [...args], {
      cwd,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: installWithin,
    })
    let output = ''
    const take = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString('utf8')).slice(-256 * 1024)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (cause) => reject(new InstallError(`${command} cannot be run: ${cause.message}`, '')))
    child.once('close', (code, signal) =>
      resolve({ code: code ?? `signal ${signal}`, output: output.trimEnd() }),
    )
  })

/**
 * Two npm ci in one folder would delete each other's files. The second waits until the first is done, or gone.
 *
 * @param {string} root
 * @param {(line: string) => void} log
 * @returns {Promise<() => void>} gives the lock up
 */
const lock = async (root, log) => {
  // Not in node_modules, which npm ci begins by removing.
  const name = createHash('sha256').update(absolute(root)).digest('hex').slice(0, 16)
  const path = join(tmpdir(), `backsync-install-${name}.lock`)
  let told = false
  for (const end = Date.now() + installWithin; Date.now() < end; ) {
    if (tryLock(path)) return () => rmSync(path, { force: true })
    const owner = ownerOf(path)
    if (owner !== undefined && !isRunning(owner)) {
      rmSync(path, { force: true })
      continue
    }
    if (!told) log(`waiting for another installation${owner === undefined ? '' : ` (process ${owner})`}`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new InstallError(`another installation does not end; if none runs, delete ${path}`, '')
}

/** @param {string} path */
const tryLock = (path) => {
  try {
    const file = openSync(path, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** @param {string} path */
const ownerOf = (path) => {
  const pid = Number(readOrNone(path) ?? '')
  return pid > 0 ? pid : undefined
}

/** @param {number} pid */
const isRunning = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as another user.
    return hasCode(error, 'EPERM')
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
const hasCode = (error, code) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code
