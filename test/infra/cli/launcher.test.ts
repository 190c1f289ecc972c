import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { until } from '../../support/until.ts'

const launcher = resolve('infra/cli/backsync.mjs')

describe('npx backsync', () => {
  it('is this launcher', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(resolve(bin.backsync)).toBe(launcher)
    expect(readFileSync(launcher, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('is what npx finds in the checkout', async () => {
    const found = await runCommand('npx', ['backsync', 'frob'], { withinMs: 60_000 })
    expect(found).toEqual({ code: 2, output: "backsync: unknown command 'frob'; see --help" })
  })

  it('runs the command from any folder, and hands its exit code on', async () => {
    const run = (...args: string[]) =>
      runCommand(process.execPath, [launcher, ...args], { withinMs: 60_000, cwd: tmpdir() })
    expect(await run('--help')).toEqual({ code: 0, output: expect.stringMatching(/^Usage: backsync/) })
    expect(await run('frob')).toEqual({ code: 2, output: "backsync: unknown command 'frob'; see --help" })
  })

  it('stops the command when it is told to stop itself', async () => {
    // Held up by an endpoint that never answers.
    const silent = createServer()
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const sockets: Socket[] = []
    silent.on('connection', (socket) => {
      sockets.push(socket)
      socket.on('error', () => socket.destroy())
    })
    const child = spawn(process.execPath, [launcher, 'parked', 'list', '--stack', 'x', '--region', 'x'], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
    await until('the command waits', 30_000, () => sockets.length > 0)
    child.kill('SIGINT')

    expect(await ended).toBe(130)
    expect(stderr).toBe('backsync: interrupted; nothing was changed\n')
    // Nobody reads from them, so that they would stay open, and keep the worker from ending.
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
})
