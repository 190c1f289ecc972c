import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { StartError } from '../../../../infra/local/processes/errors.ts'
import { hasCode, identifyProcess } from '../../../../infra/local/processes/identity.ts'
import {
  type ServerProcess,
  type SupervisedProcess,
  superviseProcess,
} from '../../../../infra/local/processes/supervisor.ts'
import { waitFor } from '../../../../infra/local/processes/wait.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

/** Says that it is up by a file that holds its number, then lives until it is ended. */
const wellBehaved = `require('fs').writeFileSync('up', String(process.pid)); setInterval(() => {}, 1000)`
const deaf = `process.on('SIGTERM', () => {}); ${wellBehaved}`
const withGrandchild = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  require('fs').writeFileSync('grandchild', String(c.pid)); ${wellBehaved}`

let folder: TemporaryFolder
let lines: string[]
let started: SupervisedProcess[]

beforeEach(async () => {
  folder = await makeFolder()
  lines = []
  started = []
})

afterEach(async () => {
  await Promise.all(started.map((child) => child.stop()))
  await folder.remove()
})

const upFile = (): string => join(folder.path, 'up')
const readNumber = async (name: string): Promise<number> =>
  Number(await readFile(join(folder.path, name), 'utf8'))

const server = (script: string, changes: Partial<ServerProcess> = {}): ServerProcess => ({
  name: 'the server',
  command: process.execPath,
  // The folder's unique name, as an argument that the script ignores, marks the process as ours.
  args: ['-e', script, folder.path],
  cwd: folder.path,
  pidFile: join(folder.path, 'server.pid'),
  mark: folder.path,
  logFile: join(folder.path, 'logs', 'server.log'),
  log: (line) => lines.push(line),
  probe: () => readFile(upFile(), 'utf8'),
  readyWithinMs: 20_000,
  stopWithinMs: 20_000,
  ...changes,
})

const start = async (definition: ServerProcess): Promise<SupervisedProcess> => {
  const child = await superviseProcess(definition)
  started.push(child)
  return child
}

const eventually = async (check: () => Promise<void> | void): Promise<void> => {
  const met = await waitFor(async () => check(), { withinMs: 20_000, everyMs: 20 })
  if (!met.ok) throw met.error
}

const isRunning = async (pid: number | undefined): Promise<boolean> =>
  pid !== undefined && (await identifyProcess(pid)) !== undefined

describe('start and stop', () => {
  it('is up when its probe succeeds, and gone with its pid file when stop returns', async () => {
    const child = await start(server(wellBehaved))
    const pid = child.pid
    expect(pid).toBe(await readNumber('up'))
    expect(await isRunning(pid)).toBe(true)

    await child.stop()
    await child.stop()

    expect(await isRunning(pid)).toBe(false)
    expect(child.pid).toBeUndefined()
    await expect(readFile(join(folder.path, 'server.pid'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('leads a process group of its own, and what it started ends with it', async () => {
    const child = await start(server(withGrandchild))
    const grandchild = await readNumber('grandchild')
    expect(await isRunning(grandchild)).toBe(true)

    await child.stop()

    await eventually(async () => expect(await isRunning(grandchild)).toBe(false))
  })

  it('kills a child that does not listen to SIGTERM', async () => {
    const child = await start(server(deaf, { stopWithinMs: 100 }))
    const pid = child.pid

    await child.stop()

    expect(await isRunning(pid)).toBe(false)
  })

  it('appends what the child writes to the log file', async () => {
    await start(server(`console.log('hello'); console.error('trouble'); ${wellBehaved}`))

    await eventually(async () =>
      expect(await readFile(join(folder.path, 'logs', 'server.log'), 'utf8')).toBe('hello\ntrouble\n'),
    )
  })
})

describe('a start that fails', () => {
  it('shows the last words of a child that ends', async () => {
    const failure = superviseProcess(server(`console.error('no disk'); process.exit(3)`))

    await expect(failure).rejects.toThrow(StartError)
    await expect(failure).rejects.toMatchObject({ code: 'process.start-failed', output: 'no disk' })
    await expect(failure).rejects.toThrow(/exit code 3/)
  })

  it('ends a child that stays silent', async () => {
    const silent = `require('fs').writeFileSync('silent', String(process.pid)); setInterval(() => {}, 1000)`
    const failure = superviseProcess(server(silent, { readyWithinMs: 1_000 }))

    await expect(failure).rejects.toMatchObject({ code: 'process.not-ready' })
    expect(await isRunning(await readNumber('silent'))).toBe(false)
  })

  it('ends a child whose number can not be noted, for nobody would know of it', async () => {
    const gone = join(folder.path, 'pids')
    const definition = server(wellBehaved, {
      pidFile: join(gone, 'server.pid'),
      beforeStart: () => rm(gone, { recursive: true }),
    })
    await expect(start(definition)).rejects.toMatchObject({ code: 'ENOENT' })
    const running = execFileSync('ps', ['-A', '-o', 'args'], { encoding: 'utf8' })
    expect(running.split('\n').filter((line) => line.includes(folder.path))).toEqual([])
  })

  it('names a command that does not exist', async () => {
    const failure = superviseProcess(server(wellBehaved, { command: join(folder.path, 'nothing') }))

    await expect(failure).rejects.toMatchObject({ code: 'process.start-failed', cause: { code: 'ENOENT' } })
  })

  it('is not fooled by somebody else who answers the probe', async () => {
    await writeFile(upFile(), 'another server')
    const probe = async (): Promise<void> => {
      await eventually(async () => expect(await isRunning(await readNumber('mine'))).toBe(false))
    }
    const failure = superviseProcess(
      server(`require('fs').writeFileSync('mine', String(process.pid))`, { probe }),
    )

    await expect(failure).rejects.toMatchObject({ code: 'process.start-failed' })
  })
})

describe('a child that ends by itself', () => {
  const restart = { attempts: 3, firstDelayMs: 5, maxDelayMs: 20, healthyAfterMs: 60_000 }

  it('is started again, and the log is told', async () => {
    const child = await start(server(wellBehaved, { restart }))
    const first = await readNumber('up')

    process.kill(first, 'SIGKILL')

    await eventually(async () => expect(await readNumber('up')).not.toBe(first))
    await eventually(async () => expect(child.pid).toBe(await readNumber('up')))
    expect(lines[0]).toMatch(/the server \(process \d+\) ended by itself: signal SIGKILL/)
    expect(lines[1]).toMatch(/attempt 1 of 3/)
  })

  it('is given up after so many attempts in a row', async () => {
    const once = `const fs = require('fs'); if (fs.existsSync('up')) process.exit(7); ${wellBehaved}`
    const child = await start(server(once, { restart }))

    process.kill(child.pid ?? 0, 'SIGKILL')

    await eventually(() => expect(lines.at(-1)).toMatch(/giving up after 3 attempts/))
    expect(lines.filter((line) => line.includes('again'))).toHaveLength(3)
    await child.stop()
  })

  it('stays down without a policy', async () => {
    const child = await start(server(wellBehaved))

    process.kill(child.pid ?? 0, 'SIGKILL')

    await eventually(() => expect(child.pid).toBeUndefined())
    expect(lines).toHaveLength(1)
  })

  it('is not started again once stop was called, even between two attempts', async () => {
    const slow = { ...restart, firstDelayMs: 600_000, maxDelayMs: 600_000 }
    const child = await start(server(wellBehaved, { restart: slow }))
    process.kill(child.pid ?? 0, 'SIGKILL')
    await eventually(() => expect(lines).toHaveLength(1))

    await child.stop()

    expect(lines).toHaveLength(1)
    expect(child.pid).toBeUndefined()
  })
})

describe('a child that outlived its parent', () => {
  it('is ended by the next start', async () => {
    const module = new URL('../../../../infra/local/processes/supervisor.ts', import.meta.url)
    const { log: _, probe: __, ...definition } = server(wellBehaved)
    await writeFile(
      join(folder.path, 'parent.mjs'),
      `import { readFile } from 'node:fs/promises'
       import { superviseProcess } from '${module.href}'
       await superviseProcess({ ...${JSON.stringify(definition)}, log: () => {}, probe: () => readFile('up') })
       console.log('up')`,
    )
    const parent = spawn(process.execPath, ['parent.mjs'], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(parent.stdout, 'data')
    const orphan = await readNumber('up')
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    expect(await isRunning(orphan)).toBe(true)

    const child = await start(
      server(wellBehaved, { probe: async () => expect(await readNumber('up')).not.toBe(orphan) }),
    )

    expect(await isRunning(orphan)).toBe(false)
    expect(await isRunning(child.pid)).toBe(true)
    expect(lines).toEqual([`ending the server (process ${orphan}), which a former run left behind`])
  })

  it('is not mistaken for a stranger who was given its number', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    })
    try {
      await writeFile(
        join(folder.path, 'server.pid'),
        JSON.stringify({ pid: stranger.pid, mark: folder.path }),
      )

      await start(server(wellBehaved))

      expect(await isRunning(stranger.pid)).toBe(true)
      expect(lines).toEqual([])
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  it.each(['', '{"pid":', '{"pid":-1,"mark":"x"}', '{"pid":1}'])(
    'reads nothing from a pid file that holds %j',
    async (text) => {
      await writeFile(join(folder.path, 'server.pid'), text)

      const child = await start(server(wellBehaved))

      expect(await isRunning(child.pid)).toBe(true)
    },
  )
})

describe('hasCode', () => {
  it('reads the code of a system error and of nothing else', () => {
    expect(hasCode(Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT')).toBe(true)
    expect(hasCode('ENOENT', 'ENOENT')).toBe(false)
    expect(hasCode(new Error('x'), 'ENOENT')).toBe(false)
  })
})
