import * as z from 'zod'
import type { ErrorKind } from '../../model/errors.ts'
import type { FunctionCaller } from '../../ports/function-caller.ts'
import { describeServer, kindOfRefusal, type ServerRefusal, SqlError } from '../sql-errors.ts'
import { InvokeError } from './errors.ts'

/** What the function is asked: one statement, as it is to be sent. */
export const runEvent = z.strictObject({ sql: z.string().min(1) })

/** What it answers: the statement was done, or the server refused it, and nothing of it is left. Of all else it answers an error. */
export type RunAnswer = { readonly done: true } | { readonly refused: ServerRefusal }

const runAnswer = z.union([
  z.object({ done: z.literal(true) }),
  z.object({
    refused: z
      .object({ errno: z.int().positive(), sqlState: z.string().optional(), text: z.string() })
      .transform(({ errno, sqlState, text }) => ({ errno, sqlState, text })),
  }),
])

/** A statement that a function in the database's network was to run, and that failed there; or nobody knows. */
export class RunnerError extends SqlError {
  override readonly name = 'RunnerError'
  /** `mysql.1064`; `runner.lost` where no word came of it. */
  readonly code: string
  readonly kind: ErrorKind

  constructor(server: ServerRefusal | undefined, cause: unknown) {
    super(
      server === undefined
        ? 'The function that runs statements has not said what became of this one'
        : `The function that runs statements: the server refused this one${describeServer(server)}`,
      server,
      { cause },
    )
    this.code = server === undefined ? 'runner.lost' : `mysql.${server.errno}`
    this.kind = server === undefined ? 'transient' : kindOfRefusal(server.errno, server.sqlState)
  }
}

/**
 * Has statements run by the function that reaches the database itself: what the Data API can't prepare. It is called once for each.
 *
 * @param timeout how long one may take, in milliseconds, asked for at each
 * @returns throws RunnerError; InvokeError where the function was not called, and nothing has run
 */
export const statementRunner =
  (caller: FunctionCaller, functionName: string, timeout: () => number) =>
  async (statement: string): Promise<void> => {
    const event = JSON.stringify({ sql: statement } satisfies z.input<typeof runEvent>)
    const invoked = await caller.invoke(functionName, event, timeout()).catch((error: unknown) => {
      throw error instanceof InvokeError && error.mayHaveRun ? new RunnerError(undefined, error) : error
    })
    const answer = invoked.is === 'answered' ? runAnswer.safeParse(invoked.answer).data : undefined
    if (answer === undefined) throw new RunnerError(undefined, new Error(invoked.text))
    if ('refused' in answer) throw new RunnerError(answer.refused, new Error(answer.refused.text))
  }
