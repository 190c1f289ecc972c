import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { type Measurement, readEmf } from '../metrics/emf.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import { Environment, INIT_TIMEOUT_MS, type Outcome, PATIENCE_MS } from './environment.ts'
import { InvokeError } from './errors.ts'
import type { Inspected } from './inspector.ts'
import type { LogFile } from './log-file.ts'
import { Turns } from './turns.ts'

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

/**
 * Environments load their code in turns, those of all functions: more of them at once than there are processors only make
 * each slower, until none is done in time. On AWS every one has a processor of its own.
 */
const loading = new Turns(Math.max(2, availableParallelism()))

/** Who waits for an environment: gets one that has become free, or a new one when it is its turn. */
type Wanting = {
  readonly take: (environment: Environment) => void
  readonly refuse: (error: InvokeError) => void
}

type Waiting = { readonly grant: () => void; readonly refuse: (error: InvokeError) => void }

/** Runs one function's bundle in as many execution environments as its invocations need, kept warm between them. */
export class LocalFunction {
  readonly definition: FunctionDefinition
  readonly #env: Record<string, string>
  readonly #log: LogFile
  readonly #inspect: boolean
  readonly #initMs: number
  readonly #logStream = `local/[$LATEST]${randomUUID().replaceAll('-', '')}`
  readonly #idle: Environment[] = []
  readonly #all = new Set<Environment>()
  readonly #waiting: Waiting[] = []
  readonly #wanting = new Set<Wanting>()
  readonly #running = new Set<Promise<Outcome>>()
  /** Who hears what an environment prints, while its invocation runs. */
  readonly #listening = new Map<Environment, (line: string) => void>()
  #metrics: MetricStore | undefined
  #busy = 0
  #closed = false

  /**
   * @param env everything that the code may see: nothing of the parent's environment is added
   * @param options.inspect lets debuggers look into its environments, and takes as long as they like
   * @param options.initMs how long an environment may load its code before it is loaded anew, milliseconds
   */
  constructor(
    definition: FunctionDefinition,
    env: Record<string, string>,
    log: LogFile,
    {
      inspect = false,
      initMs = INIT_TIMEOUT_MS,
    }: { readonly inspect?: boolean; readonly initMs?: number } = {},
  ) {
    this.definition = definition
    this.#env = env
    this.#log = log
    this.#inspect = inspect
    this.#initMs = initMs
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
      const running = this.#run(await this.#take(), text, requestId, listen)
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
    const isNeeded = () => !this.#closed && this.#all.size === 0 && this.concurrency > 0
    if (!isNeeded()) return
    if (this.#inspect) {
      this.#idle.push(this.#start())
      return
    }
    loading.queue(async () => {
      if (!isNeeded()) return
      const environment = this.#start()
      this.#free(environment)
      await environment.loaded()
    })
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
    for (const { refuse } of [...this.#waiting.splice(0), ...this.#wanting])
      refuse(closed(this.definition.name))
    await Promise.all([...this.#all].map((environment) => environment.close()))
    // Invocations never reject; their last lines belong into the log.
    await Promise.all(this.#running)
    await this.#log.close()
  }

  async #run(
    taken: Environment,
    event: string,
    requestId: string,
    listen?: (line: string) => void,
  ): Promise<Outcome> {
    const { name, arn, timeoutSeconds, memoryMiB } = this.definition
    const write = (line: string): void => {
      this.#log.write(line)
      listen?.(line)
    }
    if (listen !== undefined) this.#listening.set(taken, listen)
    write(`START RequestId: ${requestId} Version: $LATEST`)
    await taken.loaded()
    const begun = performance.now()
    const environment = taken.initTimedOut ? await this.#loadAnew(taken, write, listen) : taken
    const cold = !environment.used
    const invoked = performance.now()
    const left = timeoutSeconds * 1000 - (invoked - begun)
    const outcome = limitAnswer(
      environment.initTimedOut
        ? timedOut(requestId, timeoutSeconds)
        : await environment.invoke(
            { requestId, event, functionArn: arn },
            this.#inspect ? PATIENCE_MS : left,
          ),
    )
    this.#listening.delete(environment)
    const init = cold ? environment.initMs() : 0
    const duration = performance.now() - invoked
    this.#free(environment)
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

  /**
   * In place of an environment that was not loaded in time. As on AWS it is loaded once more, within the function's own
   * time: the caller need not hear of it.
   */
  async #loadAnew(
    late: Environment,
    write: (line: string) => void,
    listen: ((line: string) => void) | undefined,
  ): Promise<Environment> {
    write(`INIT_REPORT Init Duration: ${this.#initMs.toFixed(2)} ms Phase: init Status: timeout`)
    this.#all.delete(late)
    this.#listening.delete(late)
    const environment = this.#start(this.definition.timeoutSeconds * 1000)
    if (listen !== undefined) this.#listening.set(environment, listen)
    await environment.loaded()
    return environment
  }

  /**
   * A warm environment, or one that is loading its code.
   *
   * @throws InvokeError when the function is closed meanwhile
   */
  async #take(): Promise<Environment> {
    const idle = this.#takeIdle()
    if (idle !== undefined) return idle
    if (this.#inspect) return this.#start()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#wanting.delete(wanting)
        withdraw()
      }
      const wanting: Wanting = {
        take: (environment) => {
          end()
          resolve(environment)
        },
        refuse: (error) => {
          end()
          reject(error)
        },
      }
      let withdraw = (): void => {}
      this.#wanting.add(wanting)
      withdraw = loading.queue(async () => {
        this.#wanting.delete(wanting)
        const environment = this.#start()
        resolve(environment)
        await environment.loaded()
      })
    })
  }

  /** Gives an environment to who waits for one, or keeps it; one that has died is let go. */
  #free(environment: Environment): void {
    if (!environment.alive) {
      this.#all.delete(environment)
      return
    }
    const [wanting] = this.#wanting
    if (wanting === undefined) this.#idle.push(environment)
    else wanting.take(environment)
  }

  /** A warm environment; those that died while idle (a late unhandled rejection, say) are let go. */
  #takeIdle(): Environment | undefined {
    for (;;) {
      const environment = this.#idle.pop()
      if (!environment || environment.alive) return environment
      this.#all.delete(environment)
    }
  }

  #start(initMs = this.#initMs): Environment {
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
    const environment = new Environment(
      data,
      this.#env,
      (text) => {
        this.#log.write(text)
        this.#listening.get(environment)?.(text)
        for (const measurement of readEmf(text)) this.measured(measurement)
      },
      initMs,
    )
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

const timedOut = (requestId: string, seconds: number): Outcome => ({
  ok: false,
  error: {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
  },
})

const throttled = (name: string): InvokeError =>
  new InvokeError('lambda.throttled', `Rate Exceeded. TooManyRequestsException for function ${name}`)

const closed = (name: string): InvokeError =>
  new InvokeError('lambda.closed', `${name}: the local runtime is stopping`)
