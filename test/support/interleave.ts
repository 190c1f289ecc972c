/** Waits until it is one's turn. */
export type Turn = () => Promise<void>

/**
 * Runs actors side by side, one step at a time: each goes on from one of its turns to the next while all others wait.
 *
 * @param choices which of those that wait goes on, taken again from the start when there are no more
 */
export const interleave = (
  actors: readonly ((turn: Turn) => Promise<void>)[],
  choices: readonly number[],
): Promise<void> =>
  new Promise((resolve, reject) => {
    const waiting: (() => void)[] = []
    let running = actors.length
    let chosen = 0
    const next = (): void => {
      if (running > 0) return
      const choice = choices[chosen++ % Math.max(1, choices.length)] ?? 0
      const [go] = waiting.splice(choice % Math.max(1, waiting.length), 1)
      if (go === undefined) {
        resolve()
        return
      }
      running += 1
      go()
    }
    const turn: Turn = () =>
      new Promise((go) => {
        waiting.push(go)
        running -= 1
        next()
      })
    for (const actor of actors)
      actor(turn).then(() => {
        running -= 1
        next()
      }, reject)
  })
