import { setTimeout as wait } from 'node:timers/promises'
import { readPositions } from '../positions.ts'
import type { Random } from '../random.ts'
import { type FaultName, faultNames, injections, type Scene } from './injections.ts'
import { replays } from './replays.ts'

/** The supervisor gives up on a server that dies five times within half a minute each. */
const BETWEEN_KILLS_MS = 40_000
/** They end the function that follows the streams. */
const CRASHES: ReadonlySet<FaultName> = new Set(['function crashed in mid-batch', 'zombie'])

/** What goes on beside the faults of the Data API, of which one is injected after the other. */
const OUTSIDE: ReadonlySet<FaultName> = new Set([
  'MySQL killed',
  'function crashed in mid-batch',
  'table sync crashed in mid-batch',
  'kept table throttled',
  'answer lost after a kept item',
  'parking throttled',
  'answer lost after parking',
])
/** In each, one fault after the other. */
const LANES: readonly (readonly FaultName[])[] = [
  faultNames.filter((name) => !(name in replays) && !OUTSIDE.has(name)),
  faultNames.filter((name) => OUTSIDE.has(name)),
  faultNames.filter((name) => name in replays),
]

/** Injects faults, and counts those that hit. */
export class FaultSchedule {
  readonly fired = new Map<FaultName, number>(faultNames.map((name) => [name, 0]))
  readonly #scene: Scene
  readonly #random: Random
  #killedAt = Number.NEGATIVE_INFINITY
  #crashedAt: string | undefined

  constructor(scene: Scene, random: Random) {
    this.#scene = scene
    this.#random = random
  }

  /** Faults that have not hit anything yet. */
  get missing(): readonly FaultName[] {
    return faultNames.filter((name) => this.fired.get(name) === 0)
  }

  /**
   * Injects round after round, each in an order of its own, until the signal aborts.
   *
   * @param pause the longest between two, in milliseconds
   * @param onceEach ends when each has hit: later rounds are of those that have not
   */
  async run(pause: number, signal: AbortSignal, onceEach: boolean): Promise<void> {
    await Promise.all(LANES.map((lane) => this.#lane(lane, { pause, signal, onceEach })))
  }

  async #lane(
    lane: readonly FaultName[],
    { pause, signal, onceEach }: { pause: number; signal: AbortSignal; onceEach: boolean },
  ): Promise<void> {
    for (let round = 1; ; round++) {
      const names = onceEach && round > 1 ? lane.filter((name) => this.fired.get(name) === 0) : lane
      if (names.length === 0) return
      for (const name of this.#random.shuffle(names)) {
        if (signal.aborted) return
        await sleep(10 + this.#random.next() * pause, signal)
        if (await this.#isTooSoon(name)) continue
        const hit = await injections[name](this.#scene)
        if (hit) this.fired.set(name, (this.fired.get(name) ?? 0) + 1)
        this.#scene.ground.note(`fault: ${name}${hit ? '' : ', which hit nothing'}`)
      }
    }
  }

  async #isTooSoon(name: FaultName): Promise<boolean> {
    // On a busy machine it would else be crashed faster than it can start, again and again: nothing would ever get through.
    if (CRASHES.has(name)) {
      const at = await this.#position()
      if (at === this.#crashedAt) return true
      this.#crashedAt = at
    }
    if (name !== 'MySQL killed') return false
    if (performance.now() - this.#killedAt < BETWEEN_KILLS_MS) return true
    this.#killedAt = performance.now()
    return false
  }

  /** How far the function has come in the streams that it follows. */
  async #position(): Promise<string> {
    const { ground, tapes } = this.#scene
    const positions = await readPositions(ground)
    return tapes.map(({ streamArn }) => [...(positions.get(streamArn)?.values() ?? [])].join(' ')).join()
  }
}

const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
