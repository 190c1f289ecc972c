import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import type { Deadline } from '../../runtime/deadline.ts'
import { retry } from '../../runtime/retry.ts'
import { StatesError } from './errors.ts'

/*
 * The two calls of Step Functions that whoever starts a machine and watches it needs. Its client in the SDK would be a package more
 * for them; credentials and signatures are the SDK's own, of a client that is there.
 */

/** How an execution stands, and why it ended where it failed. */
export type Execution = {
  readonly status: 'RUNNING' | 'PENDING_REDRIVE' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'
  readonly error?: string | undefined
  readonly cause?: string | undefined
}

/** Starts executions, and tells how they stand. */
export interface Executions {
  /**
   * Starts a machine. A name means one execution: where its answer was lost, the same call again gives the same one.
   *
   * @param name up to 80 letters, digits, dashes and underscores
   * @returns the execution's ARN
   * @throws StatesError, DeadlineError, as `describe`
   */
  start(machineArn: string, name: string, input: unknown): Promise<string>
  describe(executionArn: string): Promise<Execution>
}

/** How long one call may take, in milliseconds, and how often it is made. */
const CALL_LIMIT = 10_000
const [ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE] = [5, 200, 5_000]

const started = z.object({ executionArn: z.string() })
const described = z.object({
  status: z.enum(['RUNNING', 'PENDING_REDRIVE', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  error: z.string().optional(),
  cause: z.string().optional(),
})
const refused = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
})

/** Where the domain of a partition isn't the common one. */
const DOMAINS: Readonly<Record<string, string>> = { 'aws-cn': 'amazonaws.com.cn' }

/**
 * Step Functions itself, where a machine is by its ARN.
 *
 * @param client whose credentials sign
 * @param endpoint in place of AWS's own, as AWS_ENDPOINT_URL_SFN has it
 */
export const openExecutions = ({
  client,
  deadline,
  endpoint,
}: {
  readonly client: Pick<DynamoDBClient, 'config'>
  readonly deadline: Deadline
  readonly endpoint?: string | undefined
}): Executions => {
  const call = async <T>(operation: string, arn: string, body: unknown, answer: z.ZodType<T>): Promise<T> => {
    const policy = { attempts: ATTEMPTS, firstPause: FIRST_PAUSE, longestPause: LONGEST_PAUSE, deadline }
    const retryable = (error: unknown): boolean => error instanceof StatesError && error.kind === 'transient'
    const json = await retry({ ...policy, retryable }, async () => {
      try {
        return await send(operation, await signed(client, { operation, arn, endpoint, body }), deadline)
      } catch (cause) {
        if (cause instanceof StatesError || !(cause instanceof Error)) throw cause
        throw new StatesError(operation, { name: cause.name, message: cause.message }, { cause })
      }
    })
    return answer.parse(json)
  }
  return {
    start: async (stateMachineArn, name, input) =>
      (
        await call(
          'StartExecution',
          stateMachineArn,
          { stateMachineArn, name, input: JSON.stringify(input) },
          started,
        )
      ).executionArn,
    describe: (executionArn) => call('DescribeExecution', executionArn, { executionArn }, described),
  }
}

type Request = {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const signed = async (
  { config }: Pick<DynamoDBClient, 'config'>,
  {
    operation,
    arn,
    endpoint,
    body,
  }: {
    readonly operation: string
    readonly arn: string
    readonly endpoint: string | undefined
    readonly body: unknown
  },
): Promise<Request> => {
  const [, partition = '', , region = ''] = arn.split(':')
  const url = new URL(endpoint ?? `https://states.${region}.${DOMAINS[partition] ?? 'amazonaws.com'}`)
  const text = JSON.stringify(body)
  const signer = await config.signer({
    ...{ name: 'sigv4', signingName: 'states', signingRegion: region, properties: {} },
  })
  const { headers } = await signer.sign({
    ...{ method: 'POST', protocol: url.protocol, hostname: url.hostname, path: '/', query: {}, body: text },
    ...(url.port !== '' && { port: Number(url.port) }),
    headers: {
      host: url.host,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AWSStepFunctions.${operation}`,
    },
  })
  // The connection's own says the same.
  const { host: _, ...rest } = headers
  return { url, headers: rest, body: text }
}

const send = async (
  operation: string,
  { url, ...request }: Request,
  deadline: Deadline,
): Promise<unknown> => {
  const answer = await fetch(url, { method: 'POST', ...request, signal: deadline.signal(CALL_LIMIT) })
  const text = await answer.text()
  if (answer.ok) return JSON.parse(text)
  const { __type = `Status${answer.status}`, message, Message } = refusalIn(text)
  const name = __type.split('#').at(-1) ?? __type
  throw new StatesError(operation, { name, message: message ?? Message ?? '', status: answer.status })
}

/** What is in between may answer with something else than JSON. */
const refusalIn = (text: string): Partial<z.infer<typeof refused>> => {
  try {
    return refused.safeParse(JSON.parse(text)).data ?? {}
  } catch {
    return {}
  }
}
