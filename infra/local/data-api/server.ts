import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen, type RequestHandler } from '../http/server.ts'
import type { SecretStore } from '../secrets-manager/store.ts'
import type { Engine } from './calls.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Cluster, Clusters } from './clusters.ts'
import { startControl } from './control.ts'
import { DataApiError, type ErrorForm, invalid } from './errors.ts'
import { toDataApiError } from './failures.ts'
import { type CallFault, Faults } from './faults.ts'
import { limits } from './limits.ts'
import { operate } from './operations.ts'
import { isOperationName, type OperationName, readRequest } from './request.ts'
import { Transactions } from './transactions.ts'

export type { Clock } from './clock.ts'
export type { Cluster } from './clusters.ts'
export { type Fault, Faults } from './faults.ts'

export type DataApiServer = LocalServer & {
  readonly faults: Faults
  /** where faults can be set from another process; only when a control port was asked for */
  readonly control: string | undefined
}

export type DataApiOptions = {
  readonly clusters: readonly Cluster[]
  readonly secrets: SecretStore
  /** default 0: any free port */
  readonly port?: number
  /** default 127.0.0.1 */
  readonly host?: string
  /**
   * default true: statements that MySQL can't prepare are refused (errno 1295), and successive calls get different
   * sessions. False runs those statements through the text protocol.
   */
  readonly strict?: boolean
  /** default true: a row of more than 64 KiB in a result is refused, a limit that AWS documents and doesn't always hold */
  readonly limitRows?: boolean
  /** default v2 */
  readonly errorForm?: ErrorForm
  readonly clock?: Clock
  readonly log?: Log
  readonly faults?: Faults
  /** changes each statement's text, for tests that must see what happens without a part of it; default: as it came */
  readonly rewrite?: (sql: string) => string
  /** starts the control port for faults; 0 takes any free port */
  readonly controlPort?: number
}

/** How long `close` waits for MySQL to stop running statements, in milliseconds. */
const CLOSE_MS = 1000

const operationOf = (request: IncomingMessage): OperationName => {
  // A client may be given an endpoint with a path, which it keeps in front of its own.
  const [path = ''] = (request.url ?? '').split('?', 1)
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (request.method === 'POST' && isOperationName(name)) return name
  if (name === 'ExecuteSql') {
    throw new DataApiError('BadRequestException', 'ExecuteSql is not supported: use ExecuteStatement')
  }
  throw new DataApiError('UnknownOperationException', `No operation at ${request.method} ${request.url}`)
}

const RESUMING =
  'The Aurora DB instance local is resuming after being auto-paused. Please wait a few seconds and try again.'

/** Carries out a fault before the statement. @returns true when the connection is to be cut at once */
const before = async (fault: CallFault, clock: Clock): Promise<boolean> => {
  switch (fault.kind) {
    case 'delay':
      await new Promise<void>((resolve) => void clock.after(fault.ms, resolve))
      return false
    case 'throttle':
      throw new DataApiError('ThrottlingException', 'Rate exceeded')
    case 'resuming':
      throw new DataApiError('DatabaseResumingException', RESUMING)
    case 'error':
      if (fault.after) return false
      throw new DataApiError(fault.error, fault.message ?? `${fault.error} on request`)
    case 'drop-before':
      return true
    case 'drop-after':
      return false
  }
}

const sqlOf = (request: object): string | undefined =>
  'sql' in request && typeof request.sql === 'string' ? request.sql : undefined

/** Runs one call with its faults. @returns the answer's text, or undefined when the connection is to be cut */
const perform = async <Name extends OperationName>(
  name: Name,
  body: Buffer,
  engine: Engine,
  faults: Faults,
): Promise<string | undefined> => {
  const request = readRequest(name, body)
  const hits = faults.take(name, sqlOf(request), engine.clock)
  for (const fault of hits) if (await before(fault, engine.clock)) return undefined
  const answer = await operate[name](engine, request)
  for (const fault of hits) {
    if (fault.kind === 'drop-after') return undefined
    if (fault.kind === 'error')
      throw new DataApiError(fault.error, fault.message ?? `${fault.error} on request`)
  }
  return answer
}

/** What answers requests: one call of the API each. */
const createHandler =
  (engine: Engine, faults: Faults, log: Log): RequestHandler =>
  async (request, response) => {
    const requestId = randomUUID()
    const answer = (status: number, body: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-amzn-RequestId': requestId,
        ...headers,
      })
      response.end(body)
    }
    try {
      const body = await readBody(request, limits.requestBytes)
      const name = operationOf(request)
      if (!body) throw invalid('Request size exceeds the limit of 4 MiB')
      const text = await perform(name, body, engine, faults)
      if (text === undefined) response.destroy()
      else answer(200, text)
    } catch (thrown) {
      const error = toDataApiError(thrown, engine.form)
      if (!(error instanceof DataApiError)) {
        log(`data-api ${requestId}: ${thrown instanceof Error ? thrown.stack : String(thrown)}`)
        answer(500, '{"message":"Internal error"}', { 'x-amzn-ErrorType': 'InternalServerErrorException' })
        return
      }
      answer(error.status, JSON.stringify({ message: error.message, ...error.members }), {
        'x-amzn-ErrorType': error.code,
      })
    }
  }

/**
 * Starts an endpoint that the AWS SDK takes for the RDS Data API, over a real MySQL or MariaDB server.
 *
 * Any signature is accepted. The servers need not be up yet, and may go away and come back.
 *
 * @throws the system's error when the port can't be had
 * @see https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/Welcome.html
 */
export const startDataApi = async ({
  clusters: known,
  secrets,
  port,
  host,
  strict = true,
  limitRows = true,
  errorForm: form = 'v2',
  clock = systemClock,
  log = () => undefined,
  faults = new Faults(),
  rewrite,
  controlPort,
}: DataApiOptions): Promise<DataApiServer> => {
  const clusters = new Clusters({ clusters: known, secrets, clock, form, strict, log })
  const transactions = new Transactions(clock, form)
  const engine: Engine = {
    ...{ clusters, transactions, clock, form, strict, limitRows },
    ...(rewrite && { rewrite }),
  }
  const server = await listen({
    handler: createHandler(engine, faults, log),
    log,
    ...(port === undefined ? {} : { port }),
    ...(host ? { host } : {}),
  })
  const control = controlPort === undefined ? undefined : await startControl(faults, { port: controlPort })
  faults.onRefuse((seconds) => {
    server.pause()
    clock.after(seconds * 1000, () => {
      server.resume().catch((error: unknown) => log(`data-api: could not listen again: ${String(error)}`))
    })
  })
  return {
    endpoint: server.endpoint,
    port: server.port,
    faults,
    control: control?.endpoint,
    close: async () => {
      await Promise.all([server.close(), control?.close(), clusters.close(CLOSE_MS)])
    },
  }
}
