import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { StatesError } from '../../../../../functions/bridge/drivers/states/errors.ts'
import { openExecutions } from '../../../../../functions/bridge/drivers/states/executions.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'

const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:Fill'
const SECRET = 'a secret'

const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Signs anew what was received, as the service does, and compares. */
const isSigned = ({ method, headers }: IncomingMessage, body: string, region: string): boolean => {
  const authorization = String(headers.authorization)
  const { names = '', signature } =
    /SignedHeaders=(?<names>[^,]+), Signature=(?<signature>\w+)/.exec(authorization)?.groups ?? {}
  const canonical = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const request = [method, '/', '', canonical.join(''), names, sha(body)].join('\n')
  const time = String(headers['x-amz-date'])
  const scope = [time.slice(0, 8), region, 'states', 'aws4_request']
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha(request)].join('\n')
  const key = scope.reduce<string | Buffer>((made, part) => hmac(made, part), `AWS4${SECRET}`)
  return hmac(key, text).toString('hex') === signature
}

describe('executions of a state machine', () => {
  let server: Server
  let endpoint: string
  const seen: { readonly target: unknown; readonly body: unknown; readonly signed: boolean }[] = []
  const answers: { readonly status: number; readonly body: string }[] = []
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKID', secretAccessKey: SECRET },
  })
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request.setEncoding('utf8')) body += chunk
      seen.push({
        target: request.headers['x-amz-target'],
        body: JSON.parse(body),
        signed: isSigned(request, body, 'eu-west-1'),
      })
      const { status, body: text } = answers.shift() ?? { status: 500, body: '' }
      response.writeHead(status).end(text)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  })
  afterAll(async () => {
    client.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const open = (at = endpoint, deadline = new Deadline()) =>
    openExecutions({ client, deadline, endpoint: at })
  const answer = (status: number, body: unknown) => answers.push({ status, body: JSON.stringify(body) })

  it('are started under a name, signed for the region that the machine is in', async () => {
    answer(200, { executionArn: 'arn:one', startDate: 1 })
    expect(await open().start(MACHINE, 'one', { entity: 'chef' })).toBe('arn:one')
    expect(seen.at(-1)).toEqual({
      target: 'AWSStepFunctions.StartExecution',
      body: { stateMachineArn: MACHINE, name: 'one', input: '{"entity":"chef"}' },
      signed: true,
    })
  })

  it('are told of, with the reason of those that failed', async () => {
    const execution = MACHINE.replace('stateMachine', 'execution')
    answer(200, { executionArn: execution, status: 'RUNNING', startDate: 1 })
    expect(await open().describe(execution)).toEqual({ status: 'RUNNING' })
    answer(200, { status: 'FAILED', error: 'DynamoError', cause: 'no table' })
    expect(await open().describe(execution)).toEqual({
      ...{ status: 'FAILED', error: 'DynamoError', cause: 'no table' },
    })
  })

  it.each([
    [400, JSON.stringify({ __type: 'com.amazonaws.states#ThrottlingException', message: 'slow down' })],
    [503, '<html>not now</html>'],
  ])('are asked for once more after %d %s', async (status, body) => {
    answers.push({ status, body })
    answer(200, { status: 'RUNNING' })
    expect(await open().describe(MACHINE)).toEqual({ status: 'RUNNING' })
  })

  it.each([
    ['StateMachineDoesNotExist', 'configuration'],
    ['AccessDeniedException', 'configuration'],
    ['InvalidName', 'unknown'],
  ])('are refused with %s, which is of kind %s, at once', async (name, kind) => {
    answer(400, { __type: name, message: 'no' })
    const calls = seen.length
    const error = await open()
      .start(MACHINE, 'one', {})
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StatesError)
    expect(error).toMatchObject({ code: `states.${name}`, kind, message: `StartExecution: ${name}: no` })
    expect(seen).toHaveLength(calls + 1)
  })

  it('fail as what passes where nobody answers, and where the time is over', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const address = gone.address()
    await new Promise((resolve) => gone.close(resolve))
    const nowhere = open(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    await expect(nowhere.describe(MACHINE)).rejects.toMatchObject({ kind: 'transient' })
    const deadline = new Deadline()
    deadline.within(0)
    const error = await open(endpoint, deadline)
      .describe(MACHINE)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'transient' })
  }, 30_000)
})
