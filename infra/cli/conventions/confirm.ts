import { createInterface } from 'node:readline/promises'
import { nameOf } from '../../errors/thrown.ts'
import { CliError, interrupted } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'

/** Nobody stands before the terminal: an unanswered question ends. In milliseconds. */
const PATIENCE = 10 * 60_000

export type Question = {
  /** What is about to happen, to what. */
  readonly what: string
  /** What has to be typed: the target's name. */
  readonly expected: string
  /** It was confirmed beforehand, by `--yes`. */
  readonly yes: boolean
  /** Ctrl-C. */
  readonly signal: AbortSignal
  /** Milliseconds until an unanswered question ends. @default 10 minutes */
  readonly patience?: number
}

/**
 * Asks before something is written: `--yes` is the answer of a script, on a terminal the target's name must be typed,
 * and without a terminal it is refused.
 *
 * @throws CliError with exit code 4 when it isn't confirmed, 130 when interrupted
 */
export const confirm = async (
  io: Io,
  { what, expected, yes, signal, patience = PATIENCE }: Question,
): Promise<void> => {
  if (yes) return
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true)
    throw refusal(
      `not confirmed: ${what}`,
      'there is no terminal to ask on: add --yes, or look first with --dry-run',
    )
  const tooLong = AbortSignal.timeout(patience)
  const asking = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const question = `${what}.\nType ${expected} to go on: `
    const answer = await asking.question(question, {
      signal: AbortSignal.any([signal, tooLong]),
    })
    if (answer.trim() !== expected)
      throw refusal(`not confirmed: expected ${expected}`, 'nothing was changed')
  } catch (cause) {
    if (nameOf(cause) !== 'AbortError') throw cause
    // The cursor stands behind the question.
    io.stderr.write('\n')
    throw tooLong.aborted
      ? refusal('not confirmed: nobody answered', 'nothing was changed')
      : interrupted('interrupted', 'nothing was changed')
  } finally {
    asking.close()
  }
}

const refusal = (message: string, hint: string): CliError =>
  new CliError({ code: 'cli.not-confirmed', message, hint, exit: EXIT.refused })
