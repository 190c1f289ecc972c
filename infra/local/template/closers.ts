import { messageOf } from '../../errors/thrown.ts'
import type { Log } from '../lambda/log-file.ts'

/** What has been started, to be stopped in reverse order. */
export class Closers {
  readonly #log: Log
  readonly #steps: { readonly name: string; readonly close: () => Promise<void> }[] = []
  #closing: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  add(name: string, close: () => Promise<void>): void {
    this.#steps.push({ name, close })
  }

  /** Each step gets at most `stepMs`; one that fails or hangs is said and does not hold up the others. Repeatable. */
  close(stepMs = 5_000): Promise<void> {
    this.#closing ??= this.#run(stepMs)
    return this.#closing
  }

  async #run(stepMs: number): Promise<void> {
    for (const { name, close } of this.#steps.toReversed()) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not stopped after ${stepMs / 1000} s`)), stepMs)
      })
      try {
        await Promise.race([close(), late])
      } catch (error) {
        this.#log(`stopping ${name}: ${messageOf(error)}`)
      } finally {
        clearTimeout(timer)
      }
    }
  }
}
