/** What can go wrong with a server that runs as a child process. */
export type ProcessErrorCode =
  | 'process.locked'
  | 'process.start-failed'
  | 'process.not-ready'
  | 'process.stale-child'
  | 'process.command-failed'

/** The base of the errors about child processes; `code` tells them apart. */
export class ProcessError extends Error {
  override readonly name: string = 'ProcessError'
  readonly code: ProcessErrorCode

  constructor(code: ProcessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Another live process holds the folder. */
export class LockedError extends ProcessError {
  override readonly name = 'LockedError'
  /** The process that holds the lock. */
  readonly pid: number

  constructor(at: { path: string; pid: number }) {
    super('process.locked', `${at.path} is held by process ${at.pid}, which is still running`)
    this.pid = at.pid
  }
}

/** A child ended, or did not become ready, while it was being started. */
export class StartError extends ProcessError {
  override readonly name = 'StartError'
  /** The last lines that the child wrote, for the reader of the error. */
  readonly output: string

  constructor(
    code: 'process.start-failed' | 'process.not-ready',
    at: { message: string; output: string },
    options?: ErrorOptions,
  ) {
    super(code, at.output === '' ? at.message : `${at.message}\n${at.output}`, options)
    this.output = at.output
  }
}
