import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import * as z from 'zod'

const messageSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ id: z.number(), answer: z.unknown() }),
])

/** What is started as a child. */
export type ChildOptions = {
  /** The script, and what it is given. */
  readonly args: readonly string[]
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Where what it prints goes. */
  readonly log: string
}

/** A process that answers messages one at a time, and that can be frozen, and killed. */
export class Child {
  readonly #process: ChildProcess
  readonly #ready = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #open: { readonly id: number; readonly answer: (answer: unknown) => void } | undefined
  #last = 0
  #isFrozen = false
  #isDead = false
  #isReady = false
  #wasKilled = false

  constructor({ args, env, log }: ChildOptions) {
    const file = openSync(log, 'a')
    this.#process = spawn(process.execPath, args, { env, stdio: ['ignore', file, file, 'ipc'] })
    closeSync(file)
    this.#process.on('message', (message) => {
      const told = messageSchema.parse(message)
      if ('ready' in told) {
        this.#isReady = true
        this.#ready.resolve()
      } else if (told.id === this.#open?.id) {
        const { answer } = this.#open
        this.#open = undefined
        answer(told.answer)
      }
    })
    this.#process.on('error', () => {})
    void once(this.#process, 'exit').finally(() => {
      this.#isDead = true
      this.#ready.resolve()
      this.#ended.resolve()
      const open = this.#open
      this.#open = undefined
      open?.answer(undefined)
    })
  }

  /** Whether it can take a message. */
  get isFree(): boolean {
    return this.#isReady && !this.#isDead && !this.#isFrozen && this.#open === undefined
  }

  get isBusy(): boolean {
    return this.#open !== undefined
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Whether it was ended on purpose. */
  get wasKilled(): boolean {
    return this.#wasKilled
  }

  /** Until it takes messages, or has ended. */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /** @returns its answer; undefined where it has died over it */
  ask(message: object): Promise<unknown> {
    if (!this.isFree) throw new Error('it is busy')
    this.#last += 1
    const id = this.#last
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#open = { id, answer: resolve }
    this.#process.send({ ...message, id }, (error) => {
      if (error === null || this.#open?.id !== id) return
      this.#open = undefined
      resolve(undefined)
    })
    return promise
  }

  freeze(): void {
    if (this.#isDead) return
    this.#isFrozen = this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    if (this.#isFrozen) this.#process.kill('SIGCONT')
    this.#isFrozen = false
  }

  /** Kills it as the system does, frozen or not. */
  async kill(): Promise<void> {
    this.#wasKilled = true
    this.#process.kill('SIGKILL')
    await this.#ended.promise
  }
}
