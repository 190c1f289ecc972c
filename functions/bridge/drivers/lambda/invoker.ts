import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import * as z from 'zod'
import type { FunctionCaller, Invoked } from '../../ports/function-caller.ts'
import type { Deadline } from '../../runtime/deadline.ts'
import { withoutLog } from '../../runtime/without-log.ts'
import { InvokeError } from './errors.ts'

/** How long a connection may take, in milliseconds. */
const CONNECTION_TIMEOUT = 3_000

/** A client of Lambda, by the settings of the environment. It never calls twice: what a function does may not bear that. */
export const openLambda = (): LambdaClient =>
  withoutLog(new LambdaClient({ maxAttempts: 1, requestHandler: { connectionTimeout: CONNECTION_TIMEOUT } }))

/** Lambda's own API. */
export class LambdaInvoker implements FunctionCaller {
  readonly #client: () => LambdaClient
  readonly #deadline: Deadline

  /** @param client is asked for at the first call */
  constructor(client: () => LambdaClient, deadline: Deadline) {
    this.#client = client
    this.#deadline = deadline
  }

  async invoke(functionName: string, event: string, timeout: number): Promise<Invoked> {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(event) })
    try {
      const answer = await this.#client().send(command, { abortSignal: this.#deadline.signal(timeout) })
      const text = answer.Payload?.transformToString('utf-8') ?? ''
      if (answer.FunctionError === undefined) return { is: 'answered', answer: parsed(text), text }
      return { is: 'failed', type: typeOf(parsed(text)), text }
    } catch (cause) {
      throw new InvokeError(functionName, cause)
    }
  }

  /**
   * Has a function begin, and waits for nothing of it.
   *
   * @param timeout how long the service's word that it has taken the event is waited for, in milliseconds
   * @throws InvokeError when it isn't known to have been taken
   */
  async begin(functionName: string, event: string, timeout: number): Promise<void> {
    const command = new InvokeCommand({
      ...{ FunctionName: functionName, InvocationType: 'Event', Payload: Buffer.from(event) },
    })
    try {
      await this.#client().send(command, { abortSignal: this.#deadline.signal(timeout) })
    } catch (cause) {
      throw new InvokeError(functionName, cause)
    }
  }
}

/** What is no JSON is text. */
const parsed = (text: string): unknown => {
  if (text === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

const failure = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() })

/** The runtimes of some languages, and of other times, say of a timeout only that it was one. */
const typeOf = (payload: unknown): string => {
  const { errorType, errorMessage = '' } = failure.safeParse(payload).data ?? {}
  if (/Task timed out after [\d.]+ seconds$/.test(errorMessage)) return 'Sandbox.Timedout'
  return errorType ?? 'Unknown'
}
