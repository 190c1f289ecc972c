import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen } from '../http/server.ts'
import { AsyncInvocations } from './async-invocations.ts'
import { InvokeError } from './errors.ts'
import { type LocalFunction, PAYLOAD_LIMIT } from './function.ts'
import type { FunctionRegistry } from './registry.ts'
import { ServiceError, serviceErrorOf } from './service-error.ts'

/** Lambda's limit on an event that nobody waits for, bytes. */
const EVENT_LIMIT = 1024 * 1024
/** What LogType=Tail gives of a log, bytes. */
const TAIL = 4096
/** An event and its headers; what is larger is refused by Lambda's own words. */
const REQUEST_LIMIT = PAYLOAD_LIMIT + 64 * 1024

const PATH = /\/2015-03-31\/functions\/(?<name>[^/]+)\/invocations$/
/** Name, partial ARN or ARN, each with a qualifier or without one. */
const NAME =
  /^(?<arn>arn:aws[\w-]*:lambda:)?(?<region>[a-z]{2}(?:-[a-z]+)+-\d:)?(?<account>\d{12}:)?(?:function:)?(?<name>[\w-]+)(?::(?<qualifier>\$LATEST|[\w-]+))?$/

const TYPES = ['RequestResponse', 'Event', 'DryRun'] as const
const LOG_TYPES = ['None', 'Tail'] as const

/** An answer on the wire. */
type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What a caller asks for, checked. */
type Invocation = {
  readonly fn: LocalFunction
  readonly type: (typeof TYPES)[number]
  readonly tail: boolean
  readonly requestId: string
  readonly event: string
}

/**
 * Starts an endpoint that the AWS SDK takes for Lambda: `Invoke` of the stack's functions, by name, ARN or a part of it,
 * for any signature. An event that nobody waits for is tried again as Lambda does.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export const startLambda = async ({
  functions,
  port,
  log = () => undefined,
}: {
  readonly functions: FunctionRegistry
  readonly port?: number
  readonly log?: Log
}): Promise<LocalServer> => {
  const events = new AsyncInvocations(log)
  const server = await listen({
    log,
    ...(port !== undefined && { port }),
    handler: async (request, response) => {
      const requestId = randomUUID()
      const { status, headers, body = '' } = await answer(request, requestId, functions, events)
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-amzn-RequestId': requestId,
        ...headers,
      })
      response.end(body)
    },
  })
  return {
    endpoint: server.endpoint,
    port: server.port,
    close: async () => {
      events.close()
      await server.close()
    },
  }
}

const answer = async (
  request: IncomingMessage,
  requestId: string,
  functions: FunctionRegistry,
  events: AsyncInvocations,
): Promise<Answer> => {
  try {
    const invocation = await read(request, requestId, functions)
    if (invocation.type === 'DryRun') return { status: 204 }
    if (invocation.type === 'RequestResponse') return await run(invocation)
    events.take(invocation.fn, invocation.event, requestId)
    return { status: 202 }
  } catch (error) {
    const refusal = error instanceof InvokeError ? serviceErrorOf(error) : error
    if (!(refusal instanceof ServiceError)) throw error
    return {
      status: refusal.status,
      headers: { 'x-amzn-ErrorType': refusal.code },
      body: JSON.stringify({ Type: 'User', message: refusal.message, ...refusal.members }),
    }
  }
}

/** @throws ServiceError, InvokeError */
const read = async (
  request: IncomingMessage,
  requestId: string,
  functions: FunctionRegistry,
): Promise<Invocation> => {
  const body = await readBody(request, REQUEST_LIMIT)
  const url = new URL(request.url ?? '/', 'http://local')
  const name = PATH.exec(url.pathname)?.groups?.name
  if (request.method !== 'POST' || name === undefined)
    throw new ServiceError('UnknownOperationException', `No operation at ${request.method} ${url.pathname}`)
  const type = oneOf(request, 'x-amz-invocation-type', TYPES)
  const logType = oneOf(request, 'x-amz-log-type', LOG_TYPES)
  const fn = find(functions, decodeURIComponent(name), url.searchParams.get('Qualifier') ?? undefined)
  const limit = type === 'Event' ? EVENT_LIMIT : PAYLOAD_LIMIT
  if (body === undefined || body.byteLength > limit)
    throw new ServiceError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    )
  // Without a payload the event is an empty object.
  const event = body.byteLength === 0 ? '{}' : body.toString('utf8')
  requireJson(event)
  return { fn, type, tail: logType === 'Tail', requestId, event }
}

const run = async ({ fn, event, requestId, tail }: Invocation): Promise<Answer> => {
  let written = Buffer.alloc(0)
  const listen = (line: string): void => {
    written = Buffer.concat([written, Buffer.from(`${line}\n`)]).subarray(-TAIL)
  }
  const outcome = await fn.invokeJson(event, requestId, tail ? listen : undefined)
  return {
    status: 200,
    headers: {
      'X-Amz-Executed-Version': '$LATEST',
      ...(outcome.ok ? {} : { 'X-Amz-Function-Error': 'Unhandled' }),
      ...(tail && { 'X-Amz-Log-Result': written.toString('base64') }),
    },
    body: outcome.ok ? outcome.payload : JSON.stringify(outcome.error),
  }
}

/** There is one version of each function here, the latest. */
const find = (functions: FunctionRegistry, text: string, qualifier: string | undefined): LocalFunction => {
  const parts = NAME.exec(text)?.groups
  if (parts === undefined)
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`,
    )
  if (qualifier !== undefined && parts.qualifier !== undefined && qualifier !== parts.qualifier)
    throw new ServiceError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    )
  const fn = functions.find(parts.name ?? '')
  const { arn } = fn.definition
  const version = qualifier ?? parts.qualifier ?? '$LATEST'
  const elsewhere = [parts.region, parts.account].some(
    (part) => part !== undefined && !arn.includes(`:${part}`),
  )
  // One that is played for somebody else's is known by the alias that it is called by.
  const isKnown = version === '$LATEST' || arn.endsWith(`:function:${parts.name}:${version}`)
  if (elsewhere || !isKnown)
    throw new InvokeError(
      'lambda.unknown-function',
      `Function not found: ${elsewhere ? text : `${arn}:${version}`}`,
    )
  return fn
}

/** The value of a header that has a few; the first one without it. @throws ServiceError */
const oneOf = <T extends string>({ headers }: IncomingMessage, name: string, values: readonly T[]): T => {
  const sent = headers[name]
  const found = sent === undefined ? values[0] : values.find((value) => value === sent)
  if (found !== undefined) return found
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${String(sent)}' at '${name}' failed to satisfy constraint: Member must satisfy enum value set: [${values.join(', ')}]`,
  )
}

const requireJson = (text: string): void => {
  try {
    JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ServiceError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${reason}`,
      { cause },
    )
  }
}
