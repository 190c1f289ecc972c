import { Agent, type IncomingMessage, request as send } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type LocalServer, listen } from '../../infra/local/http/server.ts'

/** What can go wrong between the functions and DynamoDB: a throttle, an answer that is lost after the write, and a call that comes late. */
export type DynamoFault = {
  readonly kind: 'throttle' | 'drop-after' | 'hold'
  /** How late a call comes that is held, in milliseconds. */
  readonly ms?: number
  /** Only calls whose body names this table. */
  readonly table: string
  /** Only these operations; default: all. */
  readonly operations?: readonly string[]
  /** How many calls it hits; without it, every call until the faults are cleared. */
  readonly times?: number
  readonly onHit?: () => void
}

/** A DynamoDB endpoint that passes everything on, but for the faults that are set. */
export type DynamoProxy = LocalServer & {
  /** @returns what ends this fault alone */
  add(fault: DynamoFault): () => void
  clear(): void
  /** Lets these operations wait, whatever table they are for, until it is called again; without any it lets all go on. */
  hold(operations?: readonly string[]): void
  /** For the test of the test: answers every transaction over this table, and makes none; undefined ends that. */
  swallow(table: string | undefined): void
  /** Calls that faults have hit so far. */
  hits(): number
}

const BODY_LIMIT = 32 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** @param upstream `http://host:port` of the real one */
export const startDynamoProxy = async (upstream: string): Promise<DynamoProxy> => {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(upstream)
  let armed: { readonly fault: DynamoFault; left: number }[] = []
  let hits = 0
  let swallowed: string | undefined
  let held: { readonly operations: readonly string[]; readonly gate: PromiseWithResolvers<void> } | undefined

  const take = (operation: string, body: string): DynamoFault | undefined => {
    const hit = armed.find(
      ({ fault }) => (fault.operations?.includes(operation) ?? true) && body.includes(`"${fault.table}"`),
    )
    if (hit === undefined) return undefined
    hit.left -= 1
    hits += 1
    hit.fault.onHit?.()
    armed = armed.filter(({ left }) => left > 0)
    return hit.fault
  }

  const forward = (
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ head: IncomingMessage; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const headers = { ...incoming.headers, host: `${hostname}:${port}` }
      const outgoing = send(
        { agent, hostname, port, method: incoming.method, path: incoming.url, headers, timeout: TIMEOUT_MS },
        (head) => readAll(head).then((answer) => resolve({ head, body: answer }), reject),
      )
      outgoing.once('timeout', () => outgoing.destroy(new Error('DynamoDB did not answer')))
      outgoing.once('error', reject)
      outgoing.end(body)
    })

  const server = await listen({
    handler: async (incoming, response) => {
      const body = await readAll(incoming)
      const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
      while (held?.operations.includes(operation) === true) await held.gate.promise
      const fault = take(operation, armed.length === 0 ? '' : body.toString('utf8'))
      const answer = (status: number, value: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
        response.end(JSON.stringify(value))
      }
      if (fault?.kind === 'throttle')
        return answer(400, {
          __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException',
          message: 'Throughput exceeds the current capacity of your table',
        })
      if (swallowed !== undefined && operation === 'TransactWriteItems' && body.includes(`"${swallowed}"`))
        return answer(200, {})
      if (fault?.kind === 'hold') await wait(fault.ms)
      const real = await forward(incoming, body)
      if (fault?.kind === 'drop-after') {
        response.destroy()
        return
      }
      response.writeHead(real.head.statusCode ?? 502, real.head.headers)
      response.end(real.body)
    },
  })
  return {
    ...server,
    add: (fault) => {
      armed.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
      return () => {
        armed = armed.filter((one) => one.fault !== fault)
      }
    },
    clear: () => {
      armed = []
    },
    hold: (operations) => {
      const before = held
      held = operations && { operations, gate: Promise.withResolvers() }
      before?.gate.resolve()
    },
    swallow: (table) => {
      swallowed = table
    },
    hits: () => hits,
    close: async () => {
      held?.gate.resolve()
      held = undefined
      await server.close()
      agent.destroy()
    },
  }
}

const readAll = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message) {
    const bytes: Buffer = chunk
    size += bytes.length
    if (size > BODY_LIMIT) throw new Error('a DynamoDB message over 32 MiB')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
