import { handler as team } from './legacy-module.ts'

/**
 * Runs a team's own handler. Those that were written for older runtimes may answer by a callback, or by what the context had for
 * it: Node 24 on Lambda has neither.
 */
export const handler = (event: unknown, context: object): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const callback = (error?: unknown, answer?: unknown): void => {
      if (error === undefined || error === null) resolve(answer)
      else reject(error instanceof Error ? error : new Error(String(error)))
    }
    const known = {
      ...context,
      succeed: resolve,
      fail: (error: unknown) => callback(error ?? 'failed'),
      done: callback,
    }
    const returned = team(event, known, callback)
    // Who returns nothing answers by the callback; who has none answers nothing.
    if (returned !== undefined || team.length < 2) Promise.resolve(returned).then(resolve, reject)
  })
