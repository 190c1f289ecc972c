import { EXIT, type ExitCode } from './exit-codes.ts'

/** Why a command ended early. The message says what happened and to what; `hint` says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly exit: ExitCode
  readonly hint: string | undefined

  constructor(
    what: {
      readonly code: string
      readonly message: string
      readonly hint?: string
      readonly exit?: ExitCode
    },
    options?: ErrorOptions,
  ) {
    super(what.message, options)
    this.code = what.code
    this.exit = what.exit ?? EXIT.failed
    this.hint = what.hint
  }
}

/** The command was called wrongly. */
export const usageError = (message: string, hint?: string): CliError =>
  new CliError({ code: 'cli.usage', message, exit: EXIT.usage, ...(hint !== undefined && { hint }) })

/**
 * The command was interrupted at a point where nothing is half done.
 *
 * @param goOn the command to paste, or what else to do
 */
export const interrupted = (message: string, goOn: string): CliError =>
  new CliError({ code: 'cli.interrupted', message, hint: goOn, exit: EXIT.interrupted })
