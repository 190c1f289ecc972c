import { join } from 'node:path'
import * as z from 'zod'
import type { Random } from '../random.ts'
import { Child } from './child.ts'
import { CLOCK } from './clock.ts'
import type { MovedGround } from './ground.ts'

const answerSchema = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
})
export type FacadeAnswer = z.infer<typeof answerSchema>

const HOUR = 3_600_000
const MAIN = join(import.meta.dirname, 'instance-main.ts')

/** Facades in processes of their own: each knows routes as it has read them itself. */
export class Instances {
  readonly #ground: MovedGround
  readonly #random: Random
  readonly #all: (Child | undefined)[]
  readonly #waiting: (() => void)[] = []
  readonly #starting = new Set<Promise<void>>()
  #isClosed = false
  #failure: unknown

  private constructor(ground: MovedGround, count: number, random: Random) {
    this.#ground = ground
    this.#random = random
    this.#all = Array.from({ length: count }, () => undefined)
  }

  /** @returns all of them, ready */
  static async open(ground: MovedGround, count: number, random: Random): Promise<Instances> {
    const instances = new Instances(ground, count, random)
    // Two at once: each takes a processor while it loads.
    const numbers = instances.#all.keys()
    await Promise.all(
      [1, 2].map(async () => {
        for (const at of numbers) await instances.#start(at)
      }),
    )
    return instances
  }

  /**
   * Has some facade serve an API event.
   *
   * @param sent told when one takes it
   * @returns undefined where it has died over that
   */
  async call(event: object, sent: (at: number) => void): Promise<FacadeAnswer | undefined> {
    while (!this.#isClosed) {
      if (this.#failure !== undefined) throw this.#failure
      const free = this.#all.filter((one) => one?.isFree === true)
      if (free.length === 0) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
        continue
      }
      const one = this.#random.pick(free)
      sent(this.#all.indexOf(one))
      const answer = await one?.ask({ event })
      this.#wake()
      return answer === undefined ? undefined : answerSchema.parse(answer)
    }
    return undefined
  }

  /** One of those at work; undefined where none is. */
  #atWork(): { readonly at: number; readonly child: Child } | undefined {
    const busy = [...this.#all.entries()].flatMap(([at, child]) =>
      child?.isBusy && !child.isFrozen ? [{ at, child }] : [],
    )
    return busy.length === 0 ? undefined : this.#random.pick(busy)
  }

  /** Freezes one in the midst of a request. @returns thaws it; undefined where none was at work */
  freeze(): (() => void) | undefined {
    const met = this.#atWork()
    met?.child.freeze()
    return (
      met &&
      (() => {
        met.child.thaw()
        this.#wake()
      })
    )
  }

  /** Kills one in the midst of a request, and starts another one in its place. @returns whether there was one */
  async kill(): Promise<boolean> {
    const met = this.#atWork()
    if (met === undefined) return false
    await met.child.kill()
    const starting = this.#start(met.at)
      .catch((error: unknown) => {
        this.#failure = error
        this.#wake()
      })
      .finally(() => this.#starting.delete(starting))
    this.#starting.add(starting)
    return true
  }

  async #start(at: number): Promise<void> {
    if (this.#isClosed) return
    const child = new Child({
      args: [MAIN, this.#ground.facade],
      env: {
        ...this.#ground.variables,
        NODE_COMPILE_CACHE: join(this.#ground.logs, 'compiled'),
        // A third is right.
        [CLOCK]: String(this.#random.pick([0, -7 * HOUR, 5 * HOUR])),
      },
      log: join(this.#ground.logs, `instance-${at}.log`),
    })
    this.#all[at] = child
    await child.ready()
    if (child.isDead && !child.wasKilled)
      throw new Error(`a facade did not start: ${join(this.#ground.logs, `instance-${at}.log`)}`)
    this.#wake()
  }

  #wake(): void {
    for (const one of this.#waiting.splice(0)) one()
  }

  /** Thaws all; those without an answer by then go on with what they do. */
  thaw(): void {
    for (const one of this.#all) one?.thaw()
    this.#wake()
  }

  get busy(): number {
    return this.#all.filter((one) => one?.isBusy).length
  }

  /** Ends all. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake()
    await Promise.all(this.#all.map((one) => one?.kill()))
    await Promise.all(this.#starting)
    await Promise.all(this.#all.map((one) => one?.kill()))
  }
}
