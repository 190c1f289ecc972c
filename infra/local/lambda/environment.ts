import { Worker } from 'node:worker_threads'
import { codeOf, messageOf, nameOf, stackOf } from '../../errors/thrown.ts'
import type { EnvironmentData, FromEnvironment, FunctionError, ToEnvironment } from './messages.ts'

/** How an invocation ended. `payload` is JSON text. */
export type Outcome =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError }

/** Loading the code may take this long, as on AWS. @see lambda-runtime-environment, "Init phase" */
export const INIT_TIMEOUT_MS = 10_000

/** What takes the place of each limit where a person may sit at a breakpoint, milliseconds. */
export const PATIENCE_MS = 12 * 3_600_000

/**
 * One execution environment: a worker thread with the function's bundle in it, for one invocation at a time.
 *
 * A thread instead of a process: measured with a 600 KB bundle, about 140 ms and 30 MB to be ready instead of 160 ms and
 * 72 MB, with an own heap limit, own environment variables, and `process.exit` ending only the thread. What a thread
 * shares with the others (working folder, time zone) a Lambda function has no business changing.
 */
export class Environment {
  readonly #worker: Worker
  readonly #ready: Promise<FunctionError | undefined>
  /** Milliseconds that loading the code took; 0 until it is loaded. */
  readonly initMs: () => number
  /** True once it has been given an invocation. */
  used = false
  #settle: ((outcome: Outcome) => void) | undefined
  #dead: FunctionError | undefined
  #initTimedOut = false
  #inspectorUrl: string | undefined

  /** @param initMs how long loading the code may take, milliseconds */
  constructor(
    data: EnvironmentData,
    env: Record<string, string>,
    onLog: (text: string) => void,
    initMs: number,
  ) {
    const started = performance.now()
    const initTimeout = data.inspect ? PATIENCE_MS : initMs
    let ready = started
    this.initMs = () => ready - started
    this.#worker = new Worker(new URL('./environment-main.ts', import.meta.url), {
      workerData: data,
      env,
      // The parent's flags (a test runner's, for one) are none of the function's.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: data.memoryMiB },
      stdout: true,
      stderr: true,
    })
    // Whatever bypasses the captured streams, such as a fatal error's report.
    this.#worker.stdout.on('data', (chunk: Buffer) => onLog(chunk.toString('utf8')))
    this.#worker.stderr.on('data', (chunk: Buffer) => onLog(chunk.toString('utf8')))
    this.#ready = new Promise((resolve) => {
      const failed = (error: FunctionError): void => {
        this.#dead ??= error
        resolve(this.#dead)
        this.#finish({ ok: false, error: this.#dead })
      }
      const timer = setTimeout(() => {
        this.#initTimedOut = true
        const seconds = (initTimeout / 1000).toFixed(2)
        failed({
          errorType: 'Sandbox.Timedout',
          errorMessage: `Initialization timed out after ${seconds} seconds`,
        })
        void this.#worker.terminate()
      }, initTimeout)
      this.#worker.on('message', (message: FromEnvironment) => {
        if (message.type === 'log') return onLog(message.text)
        if (message.type === 'inspectable') {
          this.#inspectorUrl = message.url
          return
        }
        if (message.type === 'ready') {
          clearTimeout(timer)
          ready = performance.now()
          return resolve(undefined)
        }
        if (message.type === 'init-failed') return failed(message.error)
        this.#finish(
          message.type === 'answer'
            ? { ok: true, payload: message.payload }
            : { ok: false, error: message.error },
        )
      })
      // An uncaught exception, an unhandled rejection, or the heap limit.
      this.#worker.on('error', (error) => failed(crash(error)))
      this.#worker.on('exit', (code) => {
        clearTimeout(timer)
        failed({
          errorType: 'Runtime.ExitError',
          errorMessage: `Runtime exited ${code === 0 ? 'without providing a reason' : `with error: exit status ${code}`}`,
        })
      })
    })
  }

  /** False once the thread has crashed, exited, timed out or been closed. */
  get alive(): boolean {
    return this.#dead === undefined
  }

  /** True once loading the code has taken longer than it may. */
  get initTimedOut(): boolean {
    return this.#initTimedOut
  }

  /** Of its inspector, once it has one; undefined where nobody may look into it. */
  get inspectorUrl(): string | undefined {
    return this.alive ? this.#inspectorUrl : undefined
  }

  /** Resolves once the code is loaded, or has failed to load: `invoke` then says how. */
  async loaded(): Promise<void> {
    await this.#ready
  }

  /**
   * Runs one invocation. Never rejects: crash, exit, time-out and a throwing handler are outcomes. After a time-out the
   * thread is ended, but what it has already sent to a database goes on, as on AWS.
   */
  async invoke(message: Omit<ToEnvironment, 'type' | 'deadline'>, timeoutMs: number): Promise<Outcome> {
    this.used = true
    const initError = await this.#ready
    // It may also have been closed, or have crashed, since it was loaded.
    const dead = initError ?? this.#dead
    if (dead) return { ok: false, error: dead }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const error = {
          errorType: 'Sandbox.Timedout',
          errorMessage: `RequestId: ${message.requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
        }
        this.#dead ??= error
        this.#finish({ ok: false, error })
        void this.#worker.terminate()
      }, timeoutMs)
      this.#settle = (outcome) => {
        clearTimeout(timer)
        resolve(outcome)
      }
      const request: ToEnvironment = { ...message, type: 'invoke', deadline: Date.now() + timeoutMs }
      this.#worker.postMessage(request)
    })
  }

  /** Ends the thread as a crash of the runtime would: nothing in it gets to know. What it has sent to a server goes on. */
  crash(): void {
    void this.#worker.terminate()
  }

  /** Ends the thread; an invocation in flight fails. */
  async close(): Promise<void> {
    this.#dead ??= { errorType: 'Runtime.Shutdown', errorMessage: 'the local runtime is stopping' }
    this.#finish({ ok: false, error: this.#dead })
    await this.#worker.terminate()
  }

  #finish(outcome: Outcome): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(outcome)
  }
}

const crash = (error: unknown): FunctionError => {
  const memory = codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY'
  return {
    errorType: memory ? 'Runtime.OutOfMemory' : (nameOf(error) ?? 'Runtime.UnhandledPromiseRejection'),
    errorMessage: messageOf(error),
    trace: stackOf(error).split('\n'),
  }
}
