import type { TestServers } from './servers.ts'

let kept: TestServers | undefined

/** Hands the servers of this run from the global setup to the global teardown. */
export const keep = (servers: TestServers): void => {
  kept = servers
}

/** Stops them. Safe to repeat. */
export const stopKept = async (): Promise<void> => {
  await kept?.stop()
  kept = undefined
}
