import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { StateMachineDefinition } from 'aws-local-stepfunctions'
import * as z from 'zod'
import { execute, type Invoke } from '../infra/fixtures/workflow.ts'

const started = z.object({ stateMachineArn: z.string(), name: z.string(), input: z.string() })
const described = z.object({ executionArn: z.string() })

/** What a machine is, and what it invokes. */
export type Played = { readonly definition: StateMachineDefinition; readonly invoke: Invoke }

/** How an execution stands, as the service tells it. */
type Standing = { status: string; error?: string; cause?: string }

export type TestStates = {
  readonly endpoint: string
  /** Calls so far: what was asked for, with the name of whoever signed it, where and for what service. */
  readonly calls: { readonly operation: string; readonly scope: string; readonly body: unknown }[]
  /** The next calls are answered so, once each, before they are looked at. */
  readonly faults: { readonly status: number; readonly body: unknown }[]
  readonly executions: ReadonlyMap<string, Standing>
  /** As an operator ends one: what its workers are at goes on to its end. */
  abort(executionArn: string): void
  /** Waits for all executions to end, and for what they have invoked. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** Step Functions, as far as those who start executions and watch them see it: an interpreter of the language plays them. */
export const startStates = async (machineOf: (arn: string) => Played): Promise<TestStates> => {
  const calls: TestStates['calls'] = []
  const faults: { readonly status: number; readonly body: unknown }[] = []
  const executions = new Map<string, Standing>()
  const running: Promise<void>[] = []
  const start = ({ stateMachineArn, name, input }: z.infer<typeof started>): string => {
    const arn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`
    if (executions.has(arn)) return arn
    const standing: Standing = { status: 'RUNNING' }
    executions.set(arn, standing)
    const end = (how: Standing): void => {
      if (standing.status === 'RUNNING') Object.assign(standing, how)
    }
    const { definition, invoke } = machineOf(stateMachineArn)
    const whileRunning: Invoke = (payload) => {
      if (standing.status !== 'RUNNING') throw Object.assign(new Error('it was ended'), { name: 'Aborted' })
      const answer = invoke(payload)
      running.push(
        answer.then(
          () => {},
          () => {},
        ),
      )
      return answer
    }
    running.push(
      execute(definition, JSON.parse(input), whileRunning, arn).then(
        () => end({ status: 'SUCCEEDED' }),
        (error: unknown) =>
          end({
            status: 'FAILED',
            ...(error instanceof Error && { error: error.name, cause: error.message }),
          }),
      ),
    )
    return arn
  }
  const answer = (operation: string, body: unknown): unknown => {
    if (operation === 'StartExecution') return { executionArn: start(started.parse(body)), startDate: 0 }
    const { executionArn } = described.parse(body)
    return { executionArn, startDate: 0, ...executions.get(executionArn) }
  }
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const body: unknown = JSON.parse(await textOf(request))
    const scope = /Credential=([^,]+)/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    calls.push({ operation, scope, body })
    const fault = faults.shift()
    response.writeHead(fault?.status ?? 200, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify(fault?.body ?? answer(operation, body)))
  })
  const port = await listen(server)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    ...{ calls, faults, executions },
    abort: (arn) => void Object.assign(executions.get(arn) ?? {}, { status: 'ABORTED' }),
    settled: () => settled(running),
    close: async () => {
      await settled(running)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Whatever comes to it meanwhile, too. */
const settled = async (running: readonly Promise<void>[]): Promise<void> => {
  for (let known = 0; known < running.length; ) {
    known = running.length
    await Promise.all(running)
  }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('it listens nowhere')
  return address.port
}
