/**
 * The program of one execution environment: a worker thread that loads a function's bundle and answers one invocation
 * after another. It knows nothing but its bundle, its environment variables and the messages of `messages.ts`.
 */
import { existsSync } from 'node:fs'
import { url as inspectorUrl, open as openInspector } from 'node:inspector'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { EnvironmentData, FromEnvironment, FunctionError, ToEnvironment } from './messages.ts'
import { mapSources } from './source-map.ts'

const port = parentPort
if (!port) throw new Error('environment-main runs as a worker thread only')
const send = (message: FromEnvironment): void => port.postMessage(message)
// The parent made it from this very type, one line before it started us.
const data = workerData as EnvironmentData

// Output goes through the message port, so that it arrives before the answer that follows it.
const capture = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
  send({ type: 'log', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8') })
  const done = rest.at(-1)
  if (typeof done === 'function') done()
  return true
}
process.stdout.write = capture
process.stderr.write = capture

const describe = (error: unknown): FunctionError =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error) }

type Handler = (event: unknown, context: unknown) => unknown

const loadHandler = async (): Promise<Handler> => {
  const dot = data.handler.lastIndexOf('.')
  const base = join(data.folder, data.handler.slice(0, dot))
  const file = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']
    .map((extension) => base + extension)
    .find((path) => existsSync(path))
  if (!file)
    throw Object.assign(new Error(`Cannot find module '${base}'`), { name: 'Runtime.ImportModuleError' })
  if (data.sourceMaps !== undefined) mapSources(file, data.sourceMaps)
  const loaded: Record<string, unknown> = await import(pathToFileURL(file).href)
  const name = data.handler.slice(dot + 1)
  const handler = loaded[name] ?? (loaded.default as Record<string, unknown> | undefined)?.[name]
  if (typeof handler !== 'function') {
    const message = `${data.handler} is undefined or not exported`
    throw Object.assign(new Error(message), { name: 'Runtime.HandlerNotFound' })
  }
  return handler as Handler
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
const contextOf = (message: ToEnvironment) => ({
  functionName: data.functionName,
  functionVersion: '$LATEST',
  invokedFunctionArn: message.functionArn,
  memoryLimitInMB: String(data.memoryMiB),
  awsRequestId: message.requestId,
  logGroupName: data.logGroup,
  logStreamName: data.logStream,
  // Only handlers with a callback ever read it, and Node 24 on Lambda takes none.
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
})

if (data.inspect) {
  openInspector(0, '127.0.0.1')
  send({ type: 'inspectable', url: inspectorUrl() ?? '' })
}

try {
  const handler = await loadHandler()
  port.on('message', (message: ToEnvironment) => {
    const run = async (): Promise<void> => {
      const { requestId } = message
      try {
        const answer = await handler(JSON.parse(message.event), contextOf(message))
        send({ type: 'answer', requestId, payload: JSON.stringify(answer) ?? 'null' })
      } catch (error) {
        send({ type: 'failed', requestId, error: describe(error) })
      }
    }
    void run()
  })
  send({ type: 'ready' })
} catch (error) {
  send({ type: 'init-failed', error: describe(error) })
}
