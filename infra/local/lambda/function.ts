import { randomUUID } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { type Measurement, readEmf } from '../metrics/emf.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import { Environment, type Outcome, PATIENCE_MS } from './environment.ts'
import { InvokeError } from './errors.ts'
import type { Inspected } from './inspector.ts'
import type { LogFile } from './log-file.ts'

/** A function as the template defines it, everything resolved. */
export type FunctionDefinition = {
  readonly name: string
  readonly arn: string
  /** Absolute folder of the bundled asset. */
  readonly folder: string
  /** Absolute folder with its source map, if there is one. */
  readonly sourceMaps?: string
  /** `module.export` */
  readonly handler: string
  readonly timeoutSeconds: number
  readonly memoryMiB: number
  /** From ReservedConcurrentExecutions; 0 refuses every invocation. Undefined: the local cap. */
  readonly reservedConcurrency?: number
  readonly environment: Readonly<Record<string, string>>
}

/** Lambda's limit on a synchronous event and answer, bytes. */
export const PAYLOAD_LIMIT = 6 * 1024 * 1024

/** Environments of one function at a time, where the template reserves no number. */
const LOCAL_CONCURRENCY = 10

/** How long an invocation waits for an environment before it is throttled, milliseconds. */
const QUEUE_TIMEOUT_MS = 10_000
/** Invocations that may wait at once. */
const QUEUE_LENGTH = 1_000

type Waiting = { readonly grant: () => void; readonly refuse: (error: InvokeError) => void }

/** Runs one function's bundle in as many execution environments as its invocations need, kept warm between them. */
export class LocalFunction {
  readonly definition: FunctionDefinition
  readonly #env: Record<string, string>
  readonly #log: LogFile
  readonly #inspect: boolean
  readonly #logStream = `local/[$LATEST]${randomUUID().replaceAll('-', '')}`
  readonly #idle: Environment[] = []
  readonly #all = new Set<Environment>()
  readonly #waiting: Waiting[] = []
  readonly #running = new Set<Promise<Outcome>>()
  /** Who hears what an environment prints, while its invocation runs. */
  readonly #listening = new Map<Environment, (line: string) => void>()
  #metrics: MetricStore | undefined
  #busy = 0
  #closed = false

  /**
   * @param env everything that the code may see: nothing of the parent's environment is added
   * @param options.inspect lets debuggers look into its environments, and takes as long as they like
   */
  constructor(
    definition: FunctionDefinition,
    env: Record<string, string>,
    log: LogFile,
    { inspect = false }: { readonly inspect?: boolean } = {},
  ) {
    this.definition = definition
    this.#env = env
    this.#log = log
    this.#inspect = inspect
  }

  get concurrency(): number {
    return this.definition.reservedConcurrency ?? LOCAL_CONCURRENCY
  }

  /**
   * Invokes the function and waits for its answer (InvocationType RequestResponse).
   *
   * @param event anything that JSON can hold
   * @returns the answer as JSON text, or the function's error; an answer over 6 MiB is an error of the function
   * @throws InvokeError when the function was not run: throttled, or the event is over 6 MiB
   */
  async invoke(event: unknown, requestId: string = randomUUID()): Promise<Outcome> {
    return await this.invokeJson(JSON.stringify(event) ?? 'null', requestId)
  }

  /**
   * The same for an event that is JSON text already, whose numbers stay as they are written.
   *
   * @param listen receives the lines of the log that are this invocation's
   * @throws InvokeError
   */
  async invokeJson(text: string, requestId: string, listen?: (line: string) => void): Promise<Outcome> {
    const bytes = Buffer.byteLength(text)
    if (bytes > PAYLOAD_LIMIT) {
      throw new InvokeError(
        'lambda.payload-too-large',
        `${bytes} byte payload is too large for the RequestResponse invocation type (limit ${PAYLOAD_LIMIT} bytes)`,
      )
    }
    await this.#acquire()
    try {
      if (this.#closed) throw closed(this.definition.name)
      const running = this.#run(text, requestId, listen)
      this.#running.add(running)
      try {
        return await running
      } finally {
        this.#running.delete(running)
      }
    } finally {
      this.#release()
    }
  }

  /** Has the metrics that the code prints (in the embedded metric format) added up there, from now on. */
  reportTo(store: MetricStore): void {
    this.#metrics = store
  }

  /** Adds what the runtime has measured of this function. */
  measured(measurement: Measurement): void {
    this.#metrics?.record(measurement)
  }

  /** Its environments that a debugger may look into. */
  inspected(): Inspected[] {
    const { name, folder } = this.definition
    return [...this.#all].flatMap(({ inspectorUrl: url }) =>
      url === undefined ? [] : [{ title: name, code: pathToFileURL(folder).href, url }],
    )
  }

  /** Starts an environment ahead of the first invocation. */
  warm(): void {
    if (!this.#closed && this.#all.size === 0 && this.concurrency > 0) this.#idle.push(this.#start())
  }

  /**
   * Crashes environments that are at work, for tests of what survives it; their invocations fail.
   *
   * @param most of those that were started first
   * @returns how many
   */
  crash(most: number = Number.POSITIVE_INFINITY): number {
    const busy = [...this.#all]
      .filter((environment) => environment.alive && !this.#idle.includes(environment))
      .slice(0, most)
    for (const environment of busy) environment.crash()
    return busy.length
  }

  /** Ends every environment; invocations in flight fail, waiting ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { refuse } of this.#waiting.splice(0)) refuse(closed(this.definition.name))
    await Promise.all([...this.#all].map((environment) => environment.close()))
    // Invocations never reject; their last lines belong into the log.
    await Promise.all(this.#running)
    await this.#log.close()
  }

  async #run(event: string, requestId: string, listen?: (line: string) => void): Promise<Outcome> {
    const { name, arn, timeoutSeconds, memoryMiB } = this.definition
    const environment = this.#takeIdle() ?? this.#start()
    const cold = !environment.used
    const write = (line: string): void => {
      this.#log.write(line)
      listen?.(line)
    }
    if (listen !== undefined) this.#listening.set(environment, listen)
    write(`START RequestId: ${requestId} Version: $LATEST`)
    await environment.loaded()
    const invoked = performance.now()
    const outcome = limitAnswer(
      await environment.invoke(
        { requestId, event, functionArn: arn },
        this.#inspect ? PATIENCE_MS : timeoutSeconds * 1000,
      ),
    )
    this.#listening.delete(environment)
    const init = cold ? environment.initMs() : 0
    const duration = performance.now() - invoked
    if (environment.alive) this.#idle.push(environment)
    else this.#all.delete(environment)
    if (!outcome.ok) write(`ERROR ${requestId} ${JSON.stringify(outcome.error)}`)
    write(`END RequestId: ${requestId}`)
    write(
      [
        `REPORT RequestId: ${requestId}`,
        `Duration: ${duration.toFixed(2)} ms`,
        `Billed Duration: ${Math.ceil(duration + init)} ms`,
        `Memory Size: ${memoryMiB} MB`,
        // Threads share one process: this is all of it, an upper bound for the function.
        `Max Memory Used: ${Math.ceil(process.memoryUsage.rss() / 1048576)} MB`,
        ...(cold ? [`Init Duration: ${init.toFixed(2)} ms`] : []),
        ...(outcome.ok
          ? []
          : [`Status: error`, `Error Type: ${outcome.error.errorType}`, `Function: ${name}`]),
      ].join('\t'),
    )
    return outcome
  }

  /** A warm environment; those that died while idle (a late unhandled rejection, say) are let go. */
  #takeIdle(): Environment | undefined {
    for (;;) {
      const environment = this.#idle.pop()
      if (!environment || environment.alive) return environment
      this.#all.delete(environment)
    }
  }

  #start(): Environment {
    const { folder, handler, sourceMaps, name, memoryMiB } = this.definition
    const data = {
      folder,
      handler,
      sourceMaps,
      inspect: this.#inspect,
      functionName: name,
      memoryMiB,
      logGroup: `/aws/lambda/${name}`,
      logStream: this.#logStream,
    }
    const environment = new Environment(data, this.#env, (text) => {
      this.#log.write(text)
      this.#listening.get(environment)?.(text)
      for (const measurement of readEmf(text)) this.measured(measurement)
    })
    this.#all.add(environment)
    return environment
  }

  async #acquire(): Promise<void> {
    const { name } = this.definition
    if (this.#closed) throw closed(name)
    if (this.#busy < this.concurrency) {
      this.#busy++
      return
    }
    if (this.concurrency === 0 || this.#waiting.length >= QUEUE_LENGTH) throw throttled(name)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(throttled(name))
      }, QUEUE_TIMEOUT_MS)
      const waiting: Waiting = {
        grant: () => {
          clearTimeout(timer)
          resolve()
        },
        refuse: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiting.push(waiting)
    })
  }

  /** Hands the place of a finished invocation to the next in line. */
  #release(): void {
    const next = this.#waiting.shift()
    if (next) next.grant()
    else this.#busy--
  }
}

const limitAnswer = (outcome: Outcome): Outcome => {
  if (!outcome.ok || Buffer.byteLength(outcome.payload) <= PAYLOAD_LIMIT) return outcome
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${PAYLOAD_LIMIT} bytes).`
  return { ok: false, error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } }
}

const throttled = (name: string): InvokeError =>
  new InvokeError('lambda.throttled', `Rate Exceeded. TooManyRequestsException for function ${name}`)

const closed = (name: string): InvokeError =>
  new InvokeError('lambda.closed', `${name}: the local runtime is stopping`)
