/** How handlers have been written for Lambda, with a callback or without. */
export type TeamHandler = (event: unknown, context: object, callback: TeamCallback) => unknown
export type TeamCallback = (error?: unknown, answer?: unknown) => void

/**
 * A handler that answers by its promise, of one that may have been written for older runtimes: those took an answer by a callback, or
 * by what the context had for it. Node 24 on Lambda has neither.
 */
export const answering =
  (team: TeamHandler) =>
  (event: unknown, context: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const callback: TeamCallback = (error, answer) => {
        if (error === undefined || error === null) resolve(answer)
        else reject(error instanceof Error ? error : new Error(String(error)))
      }
      const known = {
        ...context,
        succeed: (answer: unknown) => callback(undefined, answer),
        fail: (error: unknown) => callback(error ?? 'failed'),
        done: callback,
      }
      const returned = team(event, known, callback)
      // Who returns nothing answers by the callback; who takes none and no context answers nothing.
      if (returned !== undefined || team.length < 2) Promise.resolve(returned).then(resolve, reject)
    })
