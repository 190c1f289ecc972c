/** What may run at once, in the order in which it asked. */
export class Turns {
  readonly #most: number
  readonly #waiting: (() => Promise<void>)[] = []
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  /**
   * @param work is begun when it is its turn, and must not reject
   * @returns withdraws it, if it has not begun
   */
  queue(work: () => Promise<void>): () => void {
    this.#waiting.push(work)
    this.#next()
    return () => {
      const at = this.#waiting.indexOf(work)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
  }

  #next(): void {
    if (this.#running >= this.#most) return
    const work = this.#waiting.shift()
    if (work === undefined) return
    this.#running++
    void work().finally(() => {
      this.#running--
      this.#next()
    })
  }
}
