import { Agent, type IncomingMessage, request as send } from 'node:http'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type LocalServer, listen } from '../../../../infra/local/http/server.ts'
import { openClient } from './job-tables.ts'

/**
 * - `throttle`, `refuse`: an error of DynamoDB's, and nothing is done. `refuse` is a ValidationException.
 * - `partial`: of a batch, the first half is done and the rest comes back unprocessed.
 * - `drop`: it is done, and the answer is lost.
 */
export type Fault = 'none' | 'throttle' | 'refuse' | 'partial' | 'drop'

/** A call of DynamoDB as the proxy has seen it. */
export type SeenCall = {
  readonly operation: string
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/** A DynamoDB endpoint that passes everything on, but for the faults that `fault` asks for. */
export type FaultyDynamo = LocalServer & { readonly seen: SeenCall[]; faults: number }

export const startFaultyDynamo = async (fault: (call: SeenCall) => Fault): Promise<FaultyDynamo> => {
  const upstream = new URL(process.env.TEST_DYNAMODB_ENDPOINT ?? '')
  const agent = new Agent({ keepAlive: true })
  const seen: SeenCall[] = []
  const forward = (incoming: IncomingMessage, body: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers: IncomingMessage['headers'] = { ...incoming.headers, host: upstream.host }
      // They are of another body, where only half a batch is sent.
      delete headers['content-length']
      const outgoing = send(
        {
          agent,
          host: upstream.hostname,
          port: upstream.port,
          method: 'POST',
          path: '/',
          headers,
          timeout: 30_000,
        },
        (answer) => {
          readAll(answer).then((text) => resolve({ status: answer.statusCode ?? 502, text }), reject)
        },
      )
      outgoing.once('timeout', () => outgoing.destroy(new Error('DynamoDB did not answer')))
      outgoing.once('error', reject)
      outgoing.end(body)
    })

  const server = await listen({
    handler: async (incoming, response) => {
      const body = await readAll(incoming)
      const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
      const call = { operation, body, headers: incoming.headers }
      seen.push(call)
      const kind = fault(call)
      if (kind !== 'none') proxy.faults += 1
      const answer = (status: number, text: string): void => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
        response.end(text)
      }
      if (kind === 'throttle')
        return answer(400, errorOf('ProvisionedThroughputExceededException', 'slow down'))
      if (kind === 'refuse') return answer(400, errorOf('ValidationException', 'The item is not to my taste'))
      if (kind === 'partial') {
        const { now, later } = halved(body)
        const { status, text } = await forward(incoming, now)
        return answer(status, status === 200 ? JSON.stringify({ UnprocessedItems: later }) : text)
      }
      const { status, text } = await forward(incoming, body)
      if (kind === 'drop') {
        response.destroy()
        return
      }
      answer(status, text)
    },
  })
  const proxy: FaultyDynamo = {
    ...server,
    seen,
    faults: 0,
    close: async () => {
      await server.close()
      agent.destroy()
    },
  }
  return proxy
}

/** Runs a test with a proxy and a client behind it that repeats nothing by itself. */
export const withFaults = async (
  fault: (call: SeenCall) => Fault,
  test: (client: DynamoDBClient, proxy: FaultyDynamo) => Promise<void>,
): Promise<void> => {
  const proxy = await startFaultyDynamo(fault)
  const client = openClient(proxy.endpoint, 1)
  try {
    await test(client, proxy)
  } finally {
    client.destroy()
    await proxy.close()
  }
}

/**
 * A client that loses the first answers to a command: DynamoDB has done it. (In Jest, an error of Node's own sockets is
 * no Error to the SDK, so it is not a proxy that cuts them here.)
 */
export const losingAnswers = (count: number, command: string): DynamoDBClient & { lost(): number } => {
  const client = openClient(undefined, 1)
  let lost = 0
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const answer = await next(args)
        if (commandName !== command || lost === count) return answer
        lost += 1
        throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })
      },
    { step: 'deserialize', priority: 'high', name: 'loseAnswer' },
  )
  return Object.assign(client, { lost: () => lost })
}

/** The first calls of an operation, so many of them, meet a fault. */
export const first = (count: number, operation: string, kind: Fault): ((call: SeenCall) => Fault) => {
  let left = count
  return (call) => {
    if (call.operation !== operation || left === 0) return 'none'
    left -= 1
    return kind
  }
}

const errorOf = (name: string, message: string): string =>
  JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message })

const halved = (body: string): { now: string; later: Record<string, unknown[]> } => {
  const input: { RequestItems: Record<string, unknown[]> } = JSON.parse(body)
  const tables = Object.entries(input.RequestItems)
  const middle = (writes: unknown[]): number => Math.ceil(writes.length / 2)
  const later = tables.filter(([, writes]) => writes.length > 1)
  return {
    now: JSON.stringify({
      ...input,
      RequestItems: Object.fromEntries(
        tables.map(([name, writes]) => [name, writes.slice(0, middle(writes))]),
      ),
    }),
    later: Object.fromEntries(later.map(([name, writes]) => [name, writes.slice(middle(writes))])),
  }
}

const readAll = async (message: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
