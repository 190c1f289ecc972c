import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { AsyncInvocations } from '../../../../infra/local/lambda/async-invocations.ts'
import { LocalFunction } from '../../../../infra/local/lambda/function.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../../../infra/local/lambda/registry.ts'
import { startLambda } from '../../../../infra/local/lambda/server.ts'
import { until } from '../streams/until.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:Echo'
const CODE = `import { appendFileSync } from 'node:fs'
export const handler = async (event, context) => {
  if (event.file) appendFileSync(event.file, context.awsRequestId + '\\n')
  if (event.fail) throw new RangeError('no ' + event.fail)
  if (event.wait) await new Promise((resolve) => setTimeout(resolve, event.wait))
  if (event.print) console.log(event.print)
  return { event, id: context.awsRequestId }
}`

describe('the Lambda endpoint, to the unmodified SDK', () => {
  let folder: string
  let server: LocalServer
  let client: LambdaClient
  const functions = new FunctionRegistry()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-lambda-'))
    await mkdir(join(folder, 'asset'))
    await writeFile(join(folder, 'asset', 'index.mjs'), CODE)
    const add = (name: string, reservedConcurrency?: number, alias = ''): void => {
      const definition = {
        name,
        arn: ARN.replace('Echo', name) + alias,
        folder: join(folder, 'asset'),
        handler: 'index.handler',
        timeoutSeconds: 10,
        memoryMiB: 128,
        environment: {},
        ...(reservedConcurrency !== undefined && { reservedConcurrency }),
      }
      functions.add(
        new LocalFunction(
          definition,
          {},
          openLogFile(join(folder, `${name}.log`), () => {}),
        ),
      )
    }
    add('Echo')
    add('Nobody', 0)
    add('Played', undefined, ':live')
    server = await startLambda({ functions })
    client = new LambdaClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
    await functions.close()
    await rm(folder, { recursive: true, force: true })
  })

  const invoke = (input: Partial<InvokeCommandInput>, event?: unknown) =>
    client.send(
      new InvokeCommand({
        FunctionName: 'Echo',
        ...(event !== undefined && { Payload: JSON.stringify(event) }),
        ...input,
      }),
    )
  const json = (payload: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(payload ?? []).toString())
  const refusal = async (input: Partial<InvokeCommandInput>): Promise<unknown> =>
    invoke(input).then(
      () => undefined,
      (error: unknown) => error,
    )

  it.each([
    'Echo',
    'Echo:$LATEST',
    ARN,
    `${ARN}:$LATEST`,
    '000000000000:function:Echo',
    '000000000000:Echo',
    'function:Echo',
  ])('runs %s, and answers what it answered', async (FunctionName) => {
    const answer = await invoke({ FunctionName }, { a: [1, 'ü'] })

    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' })
    expect(answer.FunctionError).toBeUndefined()
    expect(json(answer.Payload)).toMatchObject({ event: { a: [1, 'ü'] } })
  })

  it('gives the function the request id that the caller is told, and an empty object without a payload', async () => {
    const answer = await invoke({ Qualifier: '$LATEST' })

    expect(json(answer.Payload)).toEqual({ event: {}, id: answer.$metadata.requestId })
  })

  it('tells a failure of the function from a refusal', async () => {
    const answer = await invoke({}, { fail: 'way' })

    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' })
    expect(json(answer.Payload)).toMatchObject({ errorType: 'RangeError', errorMessage: 'no way' })
  })

  it('gives the end of the log on request, at most 4 KiB, and only of this invocation', async () => {
    const [one, long, none] = await Promise.all([
      invoke({ LogType: 'Tail' }, { print: 'mine' }),
      invoke({ LogType: 'Tail' }, { print: 'x'.repeat(9_000) }),
      invoke({}, { print: 'other' }),
    ])

    const text = Buffer.from(one.LogResult ?? '', 'base64').toString()
    expect(text).toMatch(/^START RequestId: .*\n[\s\S]*mine[\s\S]*\nEND RequestId: .*\nREPORT RequestId: /)
    expect(text).not.toMatch(/other|xxx/)
    const tail = Buffer.from(long.LogResult ?? '', 'base64')
    expect(tail.byteLength).toBe(4096)
    expect(tail.toString()).toContain('REPORT RequestId')
    expect(none.LogResult).toBeUndefined()
  })

  it('runs an event that nobody waits for', async () => {
    const file = join(folder, 'event')
    const answer = await invoke({ InvocationType: 'Event' }, { file, wait: 50 })

    expect(answer).toMatchObject({ StatusCode: 202 })
    expect(answer.Payload?.byteLength ?? 0).toBe(0)
    await until(async () => expect(await readFile(file, 'utf8')).toBe(`${answer.$metadata.requestId}\n`))
  })

  it('runs nothing for a dry run', async () => {
    const file = join(folder, 'dry')

    expect(await invoke({ InvocationType: 'DryRun' }, { file })).toMatchObject({ StatusCode: 204 })
    await invoke({})
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each<[string, Partial<InvokeCommandInput>, string, number]>([
    ['a function that is not there', { FunctionName: 'None' }, 'ResourceNotFoundException', 404],
    [
      'one of another region',
      { FunctionName: ARN.replace('us-east-1', 'eu-west-1') },
      'ResourceNotFoundException',
      404,
    ],
    [
      'one of another account',
      { FunctionName: '111111111111:function:Echo' },
      'ResourceNotFoundException',
      404,
    ],
    ['a version that is not there', { Qualifier: '7' }, 'ResourceNotFoundException', 404],
    ['an alias that is not there', { FunctionName: 'Echo:live' }, 'ResourceNotFoundException', 404],
    [
      'two qualifiers',
      { FunctionName: 'Echo:$LATEST', Qualifier: '7' },
      'InvalidParameterValueException',
      400,
    ],
    ['a name that is none', { FunctionName: 'Ec ho' }, 'ValidationException', 400],
    ['a function that may not run', { FunctionName: 'Nobody' }, 'TooManyRequestsException', 429],
    ['an event that is no JSON', { Payload: '{' }, 'InvalidRequestContentException', 400],
    ['an event over 6 MiB', { Payload: `"${'x'.repeat(6 * 1024 * 1024)}"` }, 'RequestTooLargeException', 413],
    [
      'an event over 1 MiB that nobody waits for',
      { InvocationType: 'Event', Payload: `"${'x'.repeat(1024 * 1024)}"` },
      'RequestTooLargeException',
      413,
    ],
  ])("refuses %s in Lambda's words", async (_, input, name, status) => {
    expect(await refusal(input)).toMatchObject({ name, $metadata: { httpStatusCode: status } })
  })

  it('knows one that is played for somebody else’s by the alias that it is called by, and by no other', async () => {
    const name = ARN.replace('Echo', 'Played')
    for (const FunctionName of [`${name}:live`, name, 'Played'])
      expect(await invoke({ FunctionName }, 1)).toMatchObject({ StatusCode: 200 })
    expect(await refusal({ FunctionName: `${name}:other` })).toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it('refuses what is no operation of it, and a type that there is not', async () => {
    const post = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(server.endpoint + path, { method: 'POST', body: '{}', headers })
      return [answer.status, answer.headers.get('x-amzn-errortype')]
    }
    const path = '/2015-03-31/functions/Echo/invocations'

    expect(await post('/2015-03-31/functions/Echo')).toEqual([404, 'UnknownOperationException'])
    expect(await post(path, { 'x-amz-invocation-type': 'Now' })).toEqual([400, 'ValidationException'])
    expect(await post(`/kept/in/front${path}`)).toEqual([200, null])
  })
})

describe('an event that nobody waits for', () => {
  afterEach(() => {
    jest.useRealTimers()
  })

  it('is tried three times in all when its function fails, a minute and two later, and given up then', async () => {
    jest.useFakeTimers()
    const told: string[] = []
    const seen: string[] = []
    const definition = {
      name: 'Fails',
      arn: ARN,
      folder: '/',
      handler: 'index.handler',
      timeoutSeconds: 1,
      memoryMiB: 128,
      environment: {},
    }
    const fn = new LocalFunction(
      definition,
      {},
      openLogFile(join(tmpdir(), `fails-${process.pid}.log`), () => {}),
    )
    jest.spyOn(fn, 'invokeJson').mockImplementation(async (_, requestId) => {
      seen.push(requestId)
      return { ok: false, error: { errorType: 'Error', errorMessage: 'no' } }
    })
    const events = new AsyncInvocations((line) => told.push(line))
    events.take(fn, '{}', 'r1')
    const counts: number[] = []
    for (const minutes of [0, 1, 1, 1, 5]) {
      await jest.advanceTimersByTimeAsync(minutes * 60_000)
      counts.push(seen.length)
    }
    events.close()
    await fn.close()

    expect(counts).toEqual([1, 2, 2, 3, 3])
    expect(new Set(seen)).toEqual(new Set(['r1']))
    expect(told).toEqual(['Fails: gave up the event of request r1 after 3 attempts'])
  })
})
