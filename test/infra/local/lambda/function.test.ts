import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type FunctionDefinition,
  LocalFunction,
  PAYLOAD_LIMIT,
} from '../../../../infra/local/lambda/function.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../../../infra/local/lambda/registry.ts'
import { variablesOf } from '../../../../infra/local/lambda/variables.ts'
import { until } from '../streams/until.ts'

const endpoints = {
  dynamodb: 'http://d',
  rdsData: 'http://r',
  secretsManager: 'http://s',
  sts: 'http://t',
  s3: 'http://127.0.0.1:5',
  lambda: 'http://l',
  cloudWatch: 'http://c',
}

describe('a local function', () => {
  let folder: string
  let functions: LocalFunction[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-function-'))
    functions = []
  })
  afterEach(async () => {
    await Promise.all(functions.map((fn) => fn.close()))
    await rm(folder, { recursive: true, force: true })
  })

  const make = async (
    source: string,
    changes: Partial<FunctionDefinition> = {},
    options: { readonly initMs?: number } = {},
  ): Promise<LocalFunction> => {
    const asset = join(folder, `asset-${functions.length}`)
    await mkdir(asset)
    await writeFile(join(asset, 'index.mjs'), source)
    const definition: FunctionDefinition = {
      name: 'Fn',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Fn',
      folder: asset,
      handler: 'index.handler',
      timeoutSeconds: 10,
      memoryMiB: 256,
      environment: { MINE: 'yes' },
      ...changes,
    }
    const log = openLogFile(join(folder, 'fn.log'), () => {})
    const fn = new LocalFunction(definition, variablesOf(definition, endpoints), log, options)
    functions.push(fn)
    return fn
  }
  const logText = async (fn: LocalFunction): Promise<string> => {
    await fn.close()
    return readFile(join(folder, 'fn.log'), 'utf8')
  }
  const answerOf = async (fn: LocalFunction, event: unknown = {}): Promise<unknown> => {
    const outcome = await fn.invoke(event)
    if (!outcome.ok) throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`)
    return JSON.parse(outcome.payload)
  }
  const errorOf = async (fn: LocalFunction, event: unknown = {}): Promise<unknown> => {
    const outcome = await fn.invoke(event)
    return outcome.ok ? outcome : outcome.error
  }

  it('passes event and context as JSON, and stays warm', async () => {
    const fn = await make(`let calls = 0
      export const handler = async (event, context) => ({ event, calls: ++calls, left: context.getRemainingTimeInMillis(),
        name: context.functionName, id: context.awsRequestId, arn: context.invokedFunctionArn, memory: context.memoryLimitInMB })`)

    const first = await answerOf(fn, { a: [1, null], gone: undefined })
    const second = await answerOf(fn)

    expect(first).toMatchObject({ event: { a: [1, null] }, calls: 1, name: 'Fn', memory: '256' })
    expect(first).toMatchObject({ arn: 'arn:aws:lambda:us-east-1:000000000000:function:Fn' })
    expect(second).toMatchObject({ calls: 2 })
    const left = Number((first as { left: unknown }).left)
    expect(left).toBeGreaterThan(5_000)
    expect(left).toBeLessThanOrEqual(10_000)
  })

  it('sees only what Lambda would give it', async () => {
    process.env.LEAK_FROM_PARENT = 'x'
    const fn = await make('export const handler = async () => process.env')

    const env = await answerOf(fn)

    expect(env).toMatchObject({
      MINE: 'yes',
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: 'Fn',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://d',
      AWS_ENDPOINT_URL_RDS_DATA: 'http://r',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://s',
      AWS_ENDPOINT_URL_STS: 'http://t',
      AWS_ENDPOINT_URL_LAMBDA: 'http://l',
      AWS_ENDPOINT_URL_CLOUDWATCH: 'http://c',
    })
    expect(env).not.toHaveProperty('LEAK_FROM_PARENT')
    expect(env).not.toHaveProperty('HOME')
  })

  it('answers null for undefined', async () => {
    expect(await answerOf(await make('export const handler = async () => undefined'))).toBeNull()
  })

  it.each<[string, string, object]>([
    ['a throw', 'throw new RangeError("boom")', { errorType: 'RangeError', errorMessage: 'boom' }],
    ['a throw of no error', 'throw "boom"', { errorType: 'string', errorMessage: 'boom' }],
    [
      'process.exit',
      'process.exit(3)',
      { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: exit status 3' },
    ],
    [
      'an unhandled rejection',
      'Promise.reject(new TypeError("late")); await new Promise((r) => setTimeout(r, 5000))',
      { errorType: 'TypeError', errorMessage: 'late' },
    ],
    [
      'an uncaught exception',
      'setTimeout(() => { throw new TypeError("late") }); await new Promise((r) => setTimeout(r, 5000))',
      { errorType: 'TypeError', errorMessage: 'late' },
    ],
    ['an answer that is no JSON', 'return { a: 1n }', { errorType: 'TypeError' }],
    [
      'an answer over 6 MiB',
      `return "x".repeat(${PAYLOAD_LIMIT})`,
      { errorType: 'Function.ResponseSizeTooLarge' },
    ],
  ])('%s fails this invocation, not the next', async (_, code, expected) => {
    const fn = await make(`export const handler = async (event) => { if (event.ok) return 'fine'; ${code} }`)

    expect(await errorOf(fn)).toMatchObject(expected)
    expect(await answerOf(fn, { ok: true })).toBe('fine')
  })

  it('ends an environment that runs over its time, even in an endless loop', async () => {
    const source = `let calls = 0
      export const handler = async (event) => { calls++; if (event.loop) for (;;); return calls }`
    const fn = await make(source, { timeoutSeconds: 0.3 })
    await answerOf(fn)

    expect(await errorOf(fn, { loop: true })).toMatchObject({
      errorMessage: expect.stringMatching(
        /^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.30 seconds$/,
      ),
    })
    // A new environment: its memory starts over.
    expect(await answerOf(fn)).toBe(1)
  })

  it('ends an environment that needs more memory than it has', async () => {
    const fn = await make(
      `export const handler = async (event) => { if (event.ok) return 1; const all = []; for (;;) all.push(new Array(1e5).fill({})) }`,
      { memoryMiB: 64 },
    )
    expect(await errorOf(fn)).toMatchObject({ errorType: 'Runtime.OutOfMemory' })
    expect(await answerOf(fn, { ok: true })).toBe(1)
  })

  it.each([
    [
      'throws while it is loaded',
      'throw new Error("bad config")',
      { errorType: 'Error', errorMessage: 'bad config' },
    ],
    ['exports no handler', 'export const other = 1', { errorType: 'Runtime.HandlerNotFound' }],
  ])('reports a bundle that %s', async (_, source, expected) => {
    expect(await errorOf(await make(source))).toMatchObject(expected)
  })

  it('runs one invocation per environment, as many environments as are reserved, and queues the rest', async () => {
    const source = `let current = 0
      export const handler = async () => { current++; await new Promise((r) => setTimeout(r, 30)); return current-- }`
    const fn = await make(`${source}; export const id = Math.random()`, { reservedConcurrency: 2 })

    const answers = await Promise.all(Array.from({ length: 6 }, () => answerOf(fn)))

    expect(answers).toEqual([1, 1, 1, 1, 1, 1])
    const log = await logText(fn)
    expect(log.match(/Init Duration/g)).toHaveLength(2)
    expect(log.match(/^START RequestId/gm)).toHaveLength(6)
  })

  it('loads once more, within its own time, what was not loaded in time', async () => {
    const source = `await new Promise((r) => setTimeout(r, 300)); export const handler = async () => 'loaded'`
    const fn = await make(source, {}, { initMs: 100 })

    expect(await answerOf(fn)).toBe('loaded')
    expect(await answerOf(fn)).toBe('loaded')
    expect((await logText(fn)).match(/^INIT_REPORT .*Status: timeout$/gm)).toHaveLength(1)
  })

  it('ends what is not loaded within its own time either', async () => {
    const source =
      'await new Promise(() => setInterval(() => {}, 1_000)); export const handler = async () => 1'
    const fn = await make(source, { timeoutSeconds: 0.3 }, { initMs: 100 })

    expect(await errorOf(fn)).toMatchObject({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/Task timed out after 0\.30 seconds$/),
    })
  })

  it('loads as many environments at once as there are processors, and gives a free one to who waits', async () => {
    const marks = join(folder, 'marks')
    const source = `import { appendFileSync } from 'node:fs'
      appendFileSync(${JSON.stringify(marks)}, '+')
      await new Promise((r) => setTimeout(r, 50))
      appendFileSync(${JSON.stringify(marks)}, '-')
      export const handler = async () => 1`
    const fn = await make(source)

    const answers = await Promise.all(Array.from({ length: 40 }, () => answerOf(fn)))

    expect(answers).toEqual(Array.from({ length: 40 }, () => 1))
    let current = 0
    const counts = [...(await readFile(marks, 'utf8'))].map((mark) => (current += mark === '+' ? 1 : -1))
    expect(Math.max(...counts)).toBeLessThanOrEqual(Math.max(2, availableParallelism()))
  })

  it('refuses who waits for an environment when it is closed', async () => {
    const mark = join(folder, 'mark')
    const fn = await make(`import { writeFileSync } from 'node:fs'
      writeFileSync(${JSON.stringify(mark)}, '')
      await new Promise((r) => setTimeout(r, 8_000))
      export const handler = async () => 1`)
    const ends = Array.from({ length: 9 }, () =>
      fn.invoke({}).then(
        ({ ok }) => ok,
        ({ code }) => code,
      ),
    )
    await until(async () => void (await readFile(mark)))
    await fn.close()

    expect(new Set(await Promise.all(ends))).toEqual(new Set([false, 'lambda.closed']))
  })

  it('throttles everything when nothing is reserved, and refuses an event over 6 MiB', async () => {
    const fn = await make('export const handler = async () => 1', { reservedConcurrency: 0 })
    await expect(fn.invoke({})).rejects.toMatchObject({ code: 'lambda.throttled' })
    const other = await make('export const handler = async () => 1')
    await expect(other.invoke('x'.repeat(PAYLOAD_LIMIT))).rejects.toMatchObject({
      code: 'lambda.payload-too-large',
    })
  })

  it('logs output between START and END, with a REPORT', async () => {
    const fn = await make(
      `export const handler = async () => { console.log('hello %s', 'log'); console.error('oops'); process.stdout.write('raw'); throw new Error('x') }`,
    )
    await errorOf(fn)
    const lines = (await logText(fn)).split('\n')
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'START',
      'hello',
      'oops',
      'raw',
      'ERROR',
      'END',
      'REPORT',
      '',
    ])
    expect(lines[6]).toMatch(
      /Duration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t.*Init Duration/,
    )
  })

  it('has the metrics that it prints added up, and keeps their lines in its log', async () => {
    const line = JSON.stringify({
      _aws: {
        Timestamp: 1,
        CloudWatchMetrics: [
          {
            Namespace: 'Backsync',
            Dimensions: [['service', 'entity']],
            Metrics: [{ Name: 'Applied', Unit: 'Count' }],
          },
        ],
      },
      service: 'back-sync',
      entity: 'chef',
      Applied: 2,
    })
    const fn = await make(
      `export const handler = async () => { console.log('before'); process.stdout.write(${JSON.stringify(`${line}\n`)}) }`,
    )
    const registry = new FunctionRegistry()
    registry.add(fn)

    await answerOf(fn)
    await answerOf(fn)

    expect(registry.metrics.summaries()).toMatchObject([
      { service: 'back-sync', entity: 'chef', name: 'Applied', sum: 4, count: 2 },
    ])
    expect((await logText(fn)).split('\n').filter((text) => text === line)).toHaveLength(2)
  })

  it('fails invocations in flight when it is closed', async () => {
    const fn = await make(
      'export const handler = () => { console.log("started"); return new Promise((r) => setTimeout(r, 60000)) }',
    )
    const running = fn.invoke({})
    await until(async () => expect(await readFile(join(folder, 'fn.log'), 'utf8')).toContain('started'))
    await fn.close()
    expect(await running).toMatchObject({ ok: false, error: { errorType: 'Runtime.Shutdown' } })
    expect(await readFile(join(folder, 'fn.log'), 'utf8')).toContain('REPORT')
    await expect(fn.invoke({})).rejects.toMatchObject({ code: 'lambda.closed' })
  })

  it.each([
    'Fn',
    'Fn:live',
    'arn:aws:lambda:us-east-1:000000000000:function:Fn',
    'arn:aws:lambda:us-east-1:000000000000:function:Fn:1',
  ])('is found as %s', async (name) => {
    const registry = new FunctionRegistry()
    const fn = await make('export const handler = async () => 1')
    registry.add(fn)
    expect(registry.find(name)).toBe(fn)
    expect(() => registry.find('Other')).toThrow(expect.objectContaining({ code: 'lambda.unknown-function' }))
  })
})
