import type { Log } from '../../functions/bridge/runtime/log.ts'

/** Says nothing: what a test asserts it reads from the store. */
export const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }
