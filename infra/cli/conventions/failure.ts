import { inspect } from 'node:util'
import { BridgeError, type ErrorKind } from '../../../functions/bridge/model/errors.ts'
import { CliError } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'

/** What to do about an error of the bridge, by what the error means. */
const HINTS: Readonly<Record<ErrorKind, string>> = {
  transient: 'it should pass: try again',
  configuration: 'check the stack, and that your credentials may do this',
  data: 'repair the data, then try again',
  dependency: 'bring in what it refers to, then try again',
  client: 'check what was asked for',
  unknown: 'try again; with --debug it says more',
}

/**
 * Says in one line what happened, to what, and what to do; with the stack trace for `--debug`.
 *
 * @returns the exit code
 */
export const reportFailure = (io: Io, error: unknown, debug: boolean): ExitCode => {
  const { message, hint, exit } = explain(error)
  io.stderr.write(`backsync: ${oneLine(message)}${hint === undefined ? '' : `; ${hint}`}\n`)
  if (debug) io.stderr.write(`${inspect(error)}\n`)
  return exit
}

/** Errors of the bridge that aren't failures, by their codes. */
const EXITS: ReadonlyMap<string, { readonly exit: ExitCode; readonly hint: string }> = new Map([
  ['job.busy', { exit: EXIT.busy, hint: 'wait until it has ended' }],
  ['migrations.locked', { exit: EXIT.busy, hint: 'wait until it has ended' }],
  ['migrations.running', { exit: EXIT.busy, hint: 'it goes on at the server' }],
  ['migrations.unknown-outcome', { exit: EXIT.refused, hint: 'only a person can tell' }],
  ['migrations.needs-direct', { exit: EXIT.refused, hint: 'it needs the direct connection' }],
  ['table.missing', { exit: EXIT.failed, hint: 'check its name and, of a deployed stack, the region' }],
  ['store.stepped-back', { exit: EXIT.refused, hint: 'then try again' }],
  ['job.changed', { exit: EXIT.refused, hint: 'go on with what it was begun with' }],
])

const explain = (error: unknown): { message: string; hint?: string | undefined; exit: ExitCode } => {
  if (error instanceof CliError) return error
  if (error instanceof BridgeError)
    return {
      message: `${error.message} (${error.code})`,
      hint: HINTS[error.kind],
      exit: EXIT.failed,
      ...EXITS.get(error.code),
    }
  return {
    message: error instanceof Error ? error.message : String(error),
    hint: 'with --debug it says more',
    exit: EXIT.failed,
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ')
