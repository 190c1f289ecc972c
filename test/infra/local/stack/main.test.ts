import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { attach, targetsOf } from '../lambda/debugger.ts'
import { until } from '../streams/until.ts'

type Started = { child: ChildProcess; output: () => string; ended: Promise<number | null> }

describe('the command behind npm start', () => {
  let home: string
  const all: Started[] = []
  const start = (args: string[] = [], env: NodeJS.ProcessEnv = {}): Started => {
    const child = spawn(process.execPath, [resolve('infra/local/main.ts'), ...args], {
      env: { ...process.env, NODE_OPTIONS: '', BACKSYNC_HOME: home, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)))
    const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
    const started = { child, output: () => text, ended }
    all.push(started)
    return started
  }
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'backsync-main-'))
  })
  afterEach(async () => {
    for (const { child, ended } of all.splice(0)) {
      if (child.exitCode === null) child.kill('SIGTERM')
      await ended
    }
  }, 30_000)
  afterAll(() => rm(home, { recursive: true, force: true }))

  it('explains itself, and refuses what it does not know', async () => {
    const help = start(['--help'])
    const wrong = start(['--frsh'])
    const port = start([], { PORT: 'x' })
    const inspector = start(['--inspect=x'])
    expect([await help.ended, await wrong.ended, await port.ended, await inspector.ended]).toEqual([
      0, 2, 1, 1,
    ])
    expect(help.output()).toContain('BACKSYNC_HOME')
    expect(help.output()).toContain('--inspect[=<port>]')
    expect(wrong.output()).toContain('--frsh')
    expect(port.output()).toContain('PORT: expected 0 to 65535')
    expect(inspector.output()).toContain('--inspect: expected 0 to 65535')
  })

  it('runs the stack of this repository, open to debuggers, refuses a second one in its folder, and stops clean', async () => {
    const first = start(['--yes', '--inspect=0'])
    await until(() => expect(first.output()).toMatch(/ready in [\d.]+ s/), 100_000)
    const [, url = ''] = /(http:\S+) {2}ready in/.exec(first.output()) ?? []
    const [, path = ''] = /curl '\S+?(\/aurora)'/.exec(first.output()) ?? []

    const answer = await fetch(url + path)
    const [, inspector = ''] = /inspector +(\S+)/.exec(first.output()) ?? []
    const { functions } = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'))
    const targets = await targetsOf(inspector)
    expect(targets.map(({ title }) => title).sort()).toEqual(
      functions.map(({ name }: { name: string }) => name).sort(),
    )
    // They stay attached: a debugger must not keep the stack from stopping.
    const debuggers = await Promise.all(targets.map(({ webSocketDebuggerUrl: at }) => attach(at)))
    await Promise.all(debuggers.map((debug) => debug.send('Debugger.enable')))
    for (const { events } of debuggers)
      expect(events.map(({ params }) => params?.sourceMapURL)).toContainEqual(
        expect.stringMatching(/^\.\.\/source-maps\/[0-9a-f]{64}\.map$/),
      )

    const second = start()
    const secondCode = await second.ended

    expect(answer.status).toBe(200)
    expect(secondCode).toBe(1)
    expect(second.output()).toContain(`in use by process ${first.child.pid}`)

    first.child.kill('SIGINT')
    expect(await first.ended).toBe(0)
    const left = await readdir(home)
    expect(left).not.toEqual(expect.arrayContaining([expect.stringMatching(/\.(pid|lock)$|^stack\.json$/)]))
    await expect(fetch(url)).rejects.toThrow()
  }, 120_000)
})
