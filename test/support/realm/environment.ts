import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment'
import { ModernFakeTimers } from '@jest/fake-timers'
import type { Circus } from '@jest/types'
import { ModuleMocker } from 'jest-mock'
import type { Lock } from '../../../infra/local/processes/lock.ts'
import { times } from '../runs.ts'
import { Kept } from './kept.ts'
import { findLeftovers, watchLeftovers } from './leftovers.ts'
import { takePlace } from './places.ts'

/** A timer of more milliseconds than this goes off at once. */
const LONGEST = 2 ** 31 - 1

const extended = new WeakSet<Circus.TestEntry | Circus.Hook>()

/** What has a bound of its own gets as much more of it, once, as a round of `npm run prove` has more runs. */
const extend = (bounded: Circus.TestEntry | Circus.Hook): void => {
  if (typeof bounded.timeout !== 'number' || extended.has(bounded)) return
  extended.add(bounded)
  bounded.timeout = Math.min(times(bounded.timeout), LONGEST)
}

/**
 * The environment of a test file: the worker's own global object, not a copy of it in a context of its own. An error, a
 * date, or an array is thus of the one class that there is, whoever made it, and code runs as fast as it does anywhere.
 * What a file changes at the global object, at `process` and in its environment variables is put back after it.
 */
export default class OneRealm {
  readonly global = globalThis
  readonly moduleMocker = new ModuleMocker(globalThis)
  readonly fakeTimers = null
  readonly fakeTimersModern: ModernFakeTimers
  readonly #kept = new Kept()
  /** Whether the file says `@waits`: mostly it does, and needs no place at the cores. */
  readonly #waits: boolean
  #place: Lock | undefined

  constructor({ projectConfig }: JestEnvironmentConfig, { docblockPragmas }: EnvironmentContext) {
    this.#waits = 'waits' in docblockPragmas
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis })
  }

  async setup(): Promise<void> {
    const { BACKSYNC_PLACES: folder } = process.env
    if (folder !== undefined && !this.#waits) this.#place = await takePlace(folder)
    watchLeftovers()
  }

  async handleTestEvent(event: Circus.Event, state: Circus.State): Promise<void> {
    if (event.name === 'test_start') extend(event.test)
    if (event.name === 'hook_start') extend(event.hook)
    if (event.name !== 'run_finish') return
    for (const left of await findLeftovers())
      state.unhandledErrors.push(new Error(`this file leaves behind ${left}`))
  }

  async teardown(): Promise<void> {
    this.fakeTimersModern.dispose()
    this.#kept.putBack()
    await this.#place?.release()
  }

  exportConditions(): string[] {
    return ['node', 'node-addons']
  }

  /** None: modules are loaded by Node itself. */
  getVmContext(): null {
    return null
  }
}
