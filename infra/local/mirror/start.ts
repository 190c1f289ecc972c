import { resolve } from 'node:path'
import { messageOf } from '../../errors/thrown.ts'
import type { Log } from '../lambda/log-file.ts'
import type { LocalStack } from '../stack.ts'
import { makeTriggers } from './triggers.ts'

/** The app whose entities are those that the command line knows. */
const OWN_APP = 'infra/app.ts'
/** The stack's output that names the relay, where an entity is mirrored. */
const RELAY_OUTPUT = 'RelayFunctionName'

export type StartMirrorOptions = {
  /** The checkout. */
  readonly repository: string
  /** The CDK app that runs, below the repository; undefined for the one that deploys. */
  readonly app: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  /** Gives up what is under way. */
  readonly signal: AbortSignal
}

/**
 * Has a stack that runs see what plain SQL writes, where an entity is mirrored: makes the triggers, on a server of its own, and
 * invokes the relay once where that hasn't woken it, for which a person would wait a minute else, until its schedule does. It fails nothing: what goes
 * wrong is said. Another app than the one that deploys is left alone, since its entities aren't known.
 */
export const startMirror = async (
  stack: Pick<LocalStack, 'home' | 'outputs' | 'invoke'>,
  { repository, app = OWN_APP, env, log, signal }: StartMirrorOptions,
): Promise<void> => {
  const relay = stack.outputs[RELAY_OUTPUT]
  if (typeof relay !== 'string' || resolve(repository, app) !== resolve(repository, OWN_APP)) return
  const external = (env.MYSQL_URL ?? '') !== ''
  const { line, isWoken } = await makeTriggers({ repository, home: stack.home, env, external, signal })
  log(line)
  if (!isWoken && !signal.aborted) void invokeRelay(stack, relay, log, signal)
}

/** It may stay for more than a minute, and ends with the stack. */
const invokeRelay = async (
  stack: Pick<LocalStack, 'invoke'>,
  relay: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  try {
    const outcome = await stack.invoke(relay, {})
    if (!outcome.ok && !signal.aborted) log(`mirror: the relay failed: ${outcome.error.errorMessage}`)
  } catch (error) {
    if (!signal.aborted) log(`mirror: the relay has not run: ${messageOf(error)}`)
  }
}
