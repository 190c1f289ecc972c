import { join } from 'node:path'
import * as z from 'zod'
import type { Random } from '../random.ts'
import { Child } from './child.ts'
import { CLOCK } from './clock.ts'
import type { MovedGround } from './ground.ts'
import type { MovedEntity } from './moved.ts'

const MAIN = join(import.meta.dirname, 'sweeper-main.ts')
/** Longer than a lease, in milliseconds: by this much the next sweeper's clock is ahead. */
const AHEAD_MS = 3_600_000

const outcomeSchema = z.object({
  done: z.boolean(),
  settled: z.boolean(),
  claimed: z.number(),
  refusals: z.array(z.string()),
  error: z.string().optional(),
})
export type Swept = z.infer<typeof outcomeSchema>

/** Sweeps of routes, of which some are killed, and some frozen. */
export class Sweeps {
  readonly counts = { begun: 0, done: 0, settled: 0, killed: 0, frozen: 0, claimed: 0, ended: 0 }
  /** What sweeps have ended with that is no end of theirs. */
  readonly errors: string[] = []
  readonly #ground: MovedGround
  readonly #random: Random
  readonly #frozen = new Set<Child>()
  #child: Child | undefined
  #started = 0

  constructor(ground: MovedGround, random: Random) {
    this.#ground = ground
    this.#random = random
  }

  /** Sweeps a route as far as it is let. @returns undefined where it was killed, or frozen and left */
  async run(
    entity: MovedEntity,
    fate: 'end' | 'killed' | 'frozen',
    again = false,
  ): Promise<Swept | undefined> {
    const child = await this.#ready()
    this.counts.begun += 1
    const answer = child.ask({ entity, again })
    if (fate !== 'end') {
      const timer = setTimeout(() => void this.#meet(child, fate), this.#random.int(20, 900))
      const ended = await Promise.race([answer, this.#gone(child)])
      clearTimeout(timer)
      return this.#read(ended)
    }
    return this.#read(await answer)
  }

  #read(answer: unknown): Swept | undefined {
    if (answer === undefined) return undefined
    const swept = outcomeSchema.parse(answer)
    this.counts.claimed += swept.claimed
    if (swept.done) this.counts.done += 1
    if (swept.settled) this.counts.settled += 1
    if (swept.error !== undefined) {
      this.counts.ended += 1
      this.errors.push(swept.error)
    }
    return swept
  }

  readonly #leaving = new Map<Child, PromiseWithResolvers<undefined>>()

  #gone(child: Child): Promise<undefined> {
    const left = Promise.withResolvers<undefined>()
    this.#leaving.set(child, left)
    return left.promise
  }

  async #meet(child: Child, fate: 'killed' | 'frozen'): Promise<void> {
    this.counts[fate] += 1
    if (fate === 'killed') await child.kill()
    else {
      // Another one takes its place, and what it had begun it goes on with later.
      child.freeze()
      this.#frozen.add(child)
      this.#child = undefined
    }
    this.#leaving.get(child)?.resolve(undefined)
  }

  async #ready(): Promise<Child> {
    if (this.#child === undefined || this.#child.isDead) {
      this.#started += 1
      this.#child = new Child({
        args: [MAIN],
        env: { ...this.#ground.variables, [CLOCK]: String(this.#started * AHEAD_MS) },
        log: join(this.#ground.logs, 'sweeper.log'),
      })
    }
    await this.#child.ready()
    return this.#child
  }

  /** Lets those go on that were frozen. */
  thaw(): void {
    for (const one of this.#frozen) one.thaw()
  }

  /** Ends all, those that were frozen as well. */
  async close(): Promise<void> {
    this.thaw()
    await Promise.all([...this.#frozen, this.#child].map((one) => one?.kill()))
  }
}
