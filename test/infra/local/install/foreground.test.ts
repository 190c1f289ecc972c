import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { identifyProcess } from '../../../../infra/local/processes/identity.ts'
import { waitFor } from '../../../../infra/local/processes/wait.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

const url = (name: string): string => new URL(`../../../../infra/local/install/${name}`, import.meta.url).href

let folder: TemporaryFolder
let starters: ChildProcess[]
beforeEach(async () => {
  folder = await makeFolder()
  starters = []
})
afterEach(async () => {
  for (const starter of starters)
    if (starter.exitCode === null && starter.signalCode === null) starter.kill('SIGKILL')
  const pid = Number(await readFile(join(folder.path, 'up'), 'utf8').catch(() => '0'))
  if (pid > 0 && (await identifyProcess(pid)) !== undefined) process.kill(pid, 'SIGKILL')
  await folder.remove()
})

/** Runs a script in the foreground of a starter, as start.mjs runs the local stack. */
const start = async (script: string): Promise<ChildProcess> => {
  await writeFile(join(folder.path, 'child.mjs'), `import fs from 'node:fs'\n${script}`)
  await writeFile(
    join(folder.path, 'starter.mjs'),
    `import { runInForeground } from ${JSON.stringify(url('foreground.mjs'))}
     process.exitCode = await runInForeground(process.execPath, ['--import=${url('follow-parent.mjs')}', 'child.mjs', 'an argument'])`,
  )
  const starter = spawn(process.execPath, ['starter.mjs'], {
    cwd: folder.path,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  starters.push(starter)
  return starter
}

/** Counts the signals that it is sent, and ends by the first one unless it is stubborn. */
const counting = (stubborn: boolean): string => `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => { fs.appendFileSync('signals', signal + ' '); ${stubborn ? '' : 'setTimeout(() => process.exit(0), 200)'} })
  setInterval(() => {}, 1000)
  fs.writeFileSync('up', String(process.pid))`

const read = (name: string): Promise<string> => readFile(join(folder.path, name), 'utf8')
const eventually = async (check: () => Promise<void>): Promise<void> => {
  const met = await waitFor(check, { withinMs: 20_000, everyMs: 20 })
  if (!met.ok) throw met.error
}
const isUp = (): Promise<void> => eventually(async () => expect(Number(await read('up'))).toBeGreaterThan(0))
const ended = async (starter: ChildProcess): Promise<number | null> => {
  if (starter.exitCode === null && starter.signalCode === null) await once(starter, 'exit')
  return starter.exitCode
}

it('passes arguments on, and the exit code back', async () => {
  const starter = await start(`fs.writeFileSync('argument', process.argv[2]); process.exitCode = 7`)

  expect(await ended(starter)).toBe(7)
  expect(await read('argument')).toBe('an argument')
})

it('answers as a shell does for a child that a signal ended', async () => {
  expect(await ended(await start(`process.kill(process.pid, 'SIGKILL')`))).toBe(137)
})

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'asks once when %s comes with another signal',
  async (signal) => {
    const starter = await start(counting(false))
    await isUp()

    // Two different ones, since the system merges two of a kind.
    starter.kill(signal)
    starter.kill(signal === 'SIGINT' ? 'SIGTERM' : 'SIGINT')

    expect(await ended(starter)).toBe(0)
    expect(await read('signals')).toBe('SIGTERM ')
  },
)

it('kills a child that is asked a second time, later', async () => {
  const starter = await start(counting(true))
  await isUp()
  starter.kill('SIGINT')
  await eventually(async () => expect(await read('signals')).toBe('SIGTERM '))

  const pid = Number(await read('up'))
  // Not once more than it takes: a starter whose child is gone is left to end by itself.
  const again = setInterval(async () => {
    if ((await identifyProcess(pid)) !== undefined) starter.kill('SIGINT')
  }, 200)
  const code = await ended(starter)
  clearInterval(again)

  expect(code).toBe(137)
  expect(await read('signals')).toBe('SIGTERM ')
})

it('lets the child stop when the starter is killed', async () => {
  const starter = await start(counting(false))
  await isUp()
  const pid = Number(await read('up'))

  starter.kill('SIGKILL')

  await eventually(async () => expect(await identifyProcess(pid)).toBeUndefined())
  expect(await read('signals')).toBe('SIGTERM ')
})
