import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testApp } from '../fixtures/team.ts'
import { seedAssembly } from './assemblies.ts'
import { until } from './until.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** A whole stack, run as `npm start` runs it, in a process of its own. */
export type RunningStack = {
  readonly url: string
  readonly pid: number
  /** All that it has printed so far. */
  output(): string
  /** Sends SIGTERM and waits for the end. @returns the exit code */
  stop(): Promise<number | null>
}

/**
 * Starts a stack and waits until it says that it is ready. The synthesis is one that all tests share.
 *
 * @param home its data folder
 * @param env added to this process's environment
 * @param options `app`: the CDK app, default the one of the tests; `repository`: the checkout, default this one
 * @throws Error with what it printed, when it doesn't get ready
 */
export const runStack = async (
  home: string,
  env: Record<string, string> = {},
  { app = testApp, repository = REPOSITORY } = {},
): Promise<RunningStack> => {
  if (repository === REPOSITORY && !existsSync(join(home, 'cdk.out')))
    await seedAssembly(home, env.MYSQL_URL ?? process.env.MYSQL_URL, {}, app)
  const child = spawn(process.execPath, [join(repository, 'infra/local/main.ts'), '--yes', '--app', app], {
    env: { ...process.env, NODE_OPTIONS: '', PORT: '0', ...env, BACKSYNC_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
    })
  const file = join(home, 'stack.json')
  await until('the stack is ready', 120_000, () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the stack ended with ${child.exitCode ?? child.signalCode}:\n${printed}`)
    return /ready in [\d.]+ s/.test(printed) && existsSync(file)
  })
  const { url, pid } = JSON.parse(readFileSync(file, 'utf8'))
  return { url, pid, output: () => printed, stop: () => end(child) }
}

const end = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
  return child.exitCode
}

/** A call of its API. */
export type Reply = { status: number; headers: Headers; text: string; json: () => Record<string, unknown> }

export const call = async (url: string, init: RequestInit = {}): Promise<Reply> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(40_000) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
}

/** A call with a JSON body. */
export const send = (
  method: string,
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> =>
  call(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
