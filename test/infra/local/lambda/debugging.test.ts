import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { App, Stack } from 'aws-cdk-lib/core'
import { bundledCode } from '../../../../infra/constructs/bundled-code.ts'
import { LocalFunction } from '../../../../infra/local/lambda/function.ts'
import { startInspector } from '../../../../infra/local/lambda/inspector.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { variablesOf } from '../../../../infra/local/lambda/variables.ts'
import { until } from '../streams/until.ts'
import { attach, targetsOf } from './debugger.ts'

const endpoints = {
  dynamodb: 'http://d',
  rdsData: 'http://r',
  secretsManager: 'http://s',
  sts: 'http://t',
  s3: 'http://127.0.0.1:5',
  lambda: 'http://l',
  cloudWatch: 'http://c',
}
const entry = 'test/infra/fixtures/functions/throws.ts'

/** The line of a function's source that has this text, from 1. */
const lineOf = (text: string): number =>
  readFileSync(entry, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1

describe('a function that is bundled from TypeScript', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backsync-debugging-'))
  const started: LocalFunction[] = []
  let asset = ''

  beforeAll(() => {
    const app = new App({ outdir: join(folder, 'cdk.out'), context: { 'aws:cdk:bundling-stacks': ['**'] } })
    new LambdaFunction(new Stack(app, 'Test'), 'Throws', {
      code: bundledCode({ entry }),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
    })
    const { directory } = app.synth()
    asset = join(directory, readdirSync(directory).find((name) => name.startsWith('asset.')) ?? '')
  })
  afterEach(() => Promise.all(started.splice(0).map((fn) => fn.close())))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const make = (inspect: boolean, timeoutSeconds = 10, code = asset) => {
    const home = mkdtempSync(join(folder, 'home-'))
    const definition = {
      name: 'Throws',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Throws',
      folder: code,
      sourceMaps: join(asset, '..', 'source-maps'),
      handler: 'index.handler',
      timeoutSeconds,
      memoryMiB: 256,
      environment: {},
    }
    const log = openLogFile(join(home, 'fn.log'), () => {})
    const fn = new LocalFunction(definition, variablesOf(definition, endpoints), log, { inspect })
    started.push(fn)
    return {
      fn,
      logText: async () => {
        await fn.close()
        return readFileSync(join(home, 'fn.log'), 'utf8')
      },
    }
  }

  it('names the lines of its sources in the stack of an error, which is logged', async () => {
    const { fn, logText } = make(false)
    const outcome = await fn.invoke({})

    const thrown = `${entry}:${lineOf('throw new RangeError')}:`
    const called = `${entry}:${lineOf('return refuse(')}:`
    expect(outcome).toMatchObject({
      error: {
        errorType: 'RangeError',
        trace: expect.arrayContaining([expect.stringContaining(thrown), expect.stringContaining(called)]),
      },
    })
    expect(await logText()).toContain(thrown)
  })

  it('names them of an error that nobody catches, too', async () => {
    const outcome = await make(false).fn.invoke({ later: true })
    expect(outcome).toMatchObject({
      error: {
        trace: expect.arrayContaining([
          expect.stringContaining(`${entry}:${lineOf('throw new RangeError')}:`),
        ]),
      },
    })
  })

  it('runs as it is where there is no map of it, like one that was made elsewhere', async () => {
    const other = join(folder, 'elsewhere')
    mkdirSync(other)
    writeFileSync(
      join(other, 'index.mjs'),
      'export const handler = async () => { throw new RangeError("x") }',
    )
    const outcome = await make(false, 10, other).fn.invoke({})
    expect(outcome).toMatchObject({
      error: { trace: expect.arrayContaining([expect.stringMatching(/index\.mjs:1/)]) },
    })
  })

  it('lets a debugger into each environment, by one address, and waits for it', async () => {
    const limit = 0.2
    const { fn } = make(true, limit)
    const inspector = await startInspector(0, () => fn.inspected())
    try {
      fn.warm()
      await until(() => expect(fn.inspected()).toHaveLength(1))
      const [target, ...others] = await targetsOf(inspector.address)
      expect([target?.title, others]).toEqual(['Throws', []])
      expect(target?.webSocketDebuggerUrl).toContain(`ws://${inspector.address}/`)

      const debug = await attach(target?.webSocketDebuggerUrl ?? '')
      await debug.send('Debugger.enable')
      const scripts = () =>
        debug.events.map(({ params = {} }) => params).filter(({ url }) => url !== undefined)
      await until(() =>
        expect(scripts()).toContainEqual(
          expect.objectContaining({
            url: expect.stringMatching(/index\.mjs$/),
            sourceMapURL: expect.stringMatching(/source-maps\/[0-9a-f]{64}\.map$/),
          }),
        ),
      )
      await debug.send('Debugger.setPauseOnExceptions', { state: 'all' })
      const running = fn.invoke({})
      await until(() => expect(debug.events.map(({ method }) => method)).toContain('Debugger.paused'))
      const paused = performance.now()
      await until(() => expect(performance.now() - paused).toBeGreaterThan(2_000 * limit))
      await debug.send('Debugger.setPauseOnExceptions', { state: 'none' })
      await debug.send('Debugger.resume')

      expect(await running).toMatchObject({ error: { errorType: 'RangeError' } })
      debug.close()
    } finally {
      await inspector.close()
    }
  })

  it('lets none into an environment that was not started for it', async () => {
    const { fn } = make(false)
    await fn.invoke({})
    expect(fn.inspected()).toEqual([])
  })
})

describe('the inspector', () => {
  const unused = { title: 'One', code: 'file:///one', url: 'ws://127.0.0.1:1/0000' }

  it('takes a free port where the wanted one is taken', async () => {
    const first = await startInspector(0, () => [unused])
    const second = await startInspector(Number(first.address.split(':')[1]), () => [])
    try {
      expect(second.address).not.toBe(first.address)
      expect(await targetsOf(first.address)).toHaveLength(1)
      expect(await targetsOf(second.address)).toEqual([])
    } finally {
      await Promise.all([first.close(), second.close()])
    }
  })

  it.each([
    ['the list', '/json/list', {}],
    ['a target', '/0000', { connection: 'Upgrade', upgrade: 'websocket' }],
  ])('hides %s from a page that has made a name of its own for this machine', async (_, path, headers) => {
    const inspector = await startInspector(0, () => [unused])
    try {
      const status = await new Promise((resolve, reject) => {
        const [hostname, port] = inspector.address.split(':')
        request({ hostname, port, path, headers: { ...headers, host: 'rebound.example' } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
      expect(status).toBe(404)
    } finally {
      await inspector.close()
    }
  })
})
