import { Agent, type IncomingMessage, request as send } from 'node:http'
import { type LocalServer, listen, type RequestHandler } from '../../infra/local/http/server.ts'
import { type Call, leaveOut, toCall } from './fault-calls.ts'

/**
 * What becomes of one request.
 *
 * - `pass`: DynamoDB answers it.
 * - `throttle`: ThrottlingException; nothing is done.
 * - `busy`: InternalServerError (500); nothing is done.
 * - `drop`: the socket is cut; nothing is done.
 * - `drop-answer`: DynamoDB does it, and then the socket is cut.
 * - `refuse`: ValidationException, as for an item that is too large; nothing is done.
 * - `conflict`: TransactionCanceledException, every reason a TransactionConflict; nothing is done.
 * - `swallow`: an empty answer, as if all were done; nothing is. For tests of tests.
 * - `{ partial }`: this share of a BatchWriteItem's requests (or a BatchGetItem's keys) comes back unprocessed, the others
 *   are done. A share that leaves none to do is answered as AWS does it, by ProvisionedThroughputExceededException.
 * - `{ late }`: the socket is cut, and the request reaches DynamoDB all the same, once the promise settles.
 */
export type Verdict =
  | 'pass'
  | 'throttle'
  | 'busy'
  | 'drop'
  | 'drop-answer'
  | 'refuse'
  | 'conflict'
  | 'swallow'
  | { readonly partial: number }
  | { readonly late: Promise<void> }

/**
 * Decides on each request. A promise holds the request back until it settles, also when its caller has gone: that is how
 * a call that was given up reaches the server late.
 */
export type FaultHook = (call: Call) => Verdict | Promise<Verdict>

/** A DynamoDB endpoint that passes everything on, but for what its hook says. */
export type FaultProxy = LocalServer & {
  /** Replaces the hook; without one, everything passes. */
  use(hook?: FaultHook): void
  /** Calls so far, of one operation or of all, whatever became of them. */
  calls(operation?: string): number
  /** Those of them that didn't simply pass. */
  faults(operation?: string): number
  /** Requests that are being worked on, those that are held back included. */
  pending(): number
  /** Those of them whose callers were cut off, and which haven't reached DynamoDB yet. */
  late(): number
}

const BODY_LIMIT = 32 * 1024 * 1024
const TIMEOUT_MS = 30_000
const JSON_TYPE = 'application/x-amz-json-1.0'

type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: Buffer }

/** @param upstream `http://host:port` of the real one */
export const startFaultProxy = async (upstream: string, first?: FaultHook): Promise<FaultProxy> => {
  const agent = new Agent({ keepAlive: true })
  let hook = first
  const called = new Map<string, number>()
  const faulted = new Map<string, number>()

  const forward = (incoming: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(upstream)
      const headers = { ...incoming.headers, host: `${hostname}:${port}`, 'content-length': body.length }
      const outgoing = send(
        { agent, hostname, port, method: incoming.method, path: incoming.url, headers, timeout: TIMEOUT_MS },
        (head) =>
          readAll(head).then(
            (answer) => resolve({ status: head.statusCode ?? 502, headers: head.headers, body: answer }),
            reject,
          ),
      )
      outgoing.once('timeout', () => outgoing.destroy(new Error('DynamoDB did not answer')))
      outgoing.once('error', reject)
      outgoing.end(body)
    })

  let pending = 0
  let late = 0
  const handle: RequestHandler = async (incoming, response) => {
    const body = await readAll(incoming)
    const name = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
    const place = increase(called, name)
    const call = hook === undefined ? undefined : toCall(name, body.toString('utf8'), place)
    const verdict = call === undefined ? 'pass' : ((await hook?.(call)) ?? 'pass')
    if (verdict !== 'pass') increase(faulted, name)
    const answer = ({ status, headers, body: text }: Answer): void => {
      response.writeHead(status, headers)
      response.end(text)
    }
    if (verdict === 'pass') return answer(await forward(incoming, body))
    if (verdict === 'drop-answer') await forward(incoming, body)
    if (verdict === 'drop' || verdict === 'drop-answer') {
      response.destroy()
      return
    }
    if (typeof verdict === 'object' && 'late' in verdict) {
      response.destroy()
      late += 1
      try {
        await verdict.late
        await forward(incoming, body)
      } finally {
        late -= 1
      }
      return
    }
    if (verdict === 'swallow') return answer(json(200, {}))
    if (typeof verdict === 'string' || call === undefined) return answer(failure(String(verdict), call))
    const parts = leaveOut(call, verdict.partial)
    if (parts === undefined) return answer(failure('exceeded', call))
    const real = await forward(incoming, Buffer.from(JSON.stringify(parts.done)))
    answer(real.status === 200 ? json(200, parts.complete(JSON.parse(real.body.toString('utf8')))) : real)
  }
  const server = await listen({
    handler: async (incoming, response) => {
      pending += 1
      try {
        await handle(incoming, response)
      } finally {
        pending -= 1
      }
    },
  })
  return {
    ...server,
    use: (next) => {
      hook = next
    },
    calls: (operation) => total(called, operation),
    faults: (operation) => total(faulted, operation),
    pending: () => pending,
    late: () => late,
    close: async () => {
      await server.close()
      agent.destroy()
    },
  }
}

const increase = (counts: Map<string, number>, name: string): number => {
  const next = (counts.get(name) ?? 0) + 1
  counts.set(name, next)
  return next
}

const total = (counts: ReadonlyMap<string, number>, name: string | undefined): number =>
  name === undefined ? [...counts.values()].reduce((sum, count) => sum + count, 0) : (counts.get(name) ?? 0)

const json = (status: number, value: unknown): Answer => {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': JSON_TYPE, 'content-length': String(body.length) }, body }
}

const THROUGHPUT = 'Throughput exceeds the current capacity of your table'

const failures: Readonly<Record<string, readonly [status: number, name: string, message: string]>> = {
  throttle: [400, 'ThrottlingException', THROUGHPUT],
  exceeded: [400, 'ProvisionedThroughputExceededException', THROUGHPUT],
  busy: [500, 'InternalServerError', 'The request could not be processed, try again'],
  refuse: [400, 'ValidationException', 'Item size has exceeded the maximum allowed size'],
  conflict: [400, 'TransactionCanceledException', 'Transaction cancelled, see its reasons'],
}

const failure = (kind: string, call: Call | undefined): Answer => {
  const [status, name, message] = failures[kind] ?? [500, 'InternalServerError', `no such fault: ${kind}`]
  const reasons = kind === 'conflict' ? (call?.writes ?? 1) : 0
  return json(status, {
    __type: `com.amazonaws.dynamodb.v20120810#${name}`,
    message,
    ...(reasons > 0 && {
      CancellationReasons: Array.from({ length: reasons }, () => ({
        Code: 'TransactionConflict',
        Message: 'Transaction is ongoing for the item',
      })),
    }),
  })
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
