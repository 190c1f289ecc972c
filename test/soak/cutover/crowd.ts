import { setTimeout as wait } from 'node:timers/promises'
import { comesTrue } from '../faults/until-true.ts'
import { Random } from '../random.ts'
import { Clients } from './clients.ts'
import { Faulty } from './faults.ts'
import type { MovedGround } from './ground.ts'
import { Instances } from './instances.ts'
import { Keys } from './keys.ts'
import { Legacy } from './legacy.ts'
import { Moves } from './moves.ts'
import { Recorder } from './recorder.ts'
import { Sweeps } from './sweeps.ts'

export type CrowdOptions = {
  readonly seed: number
  readonly instances: number
  /** How many of each there are to be. */
  readonly moves: number
  readonly requests: number
  readonly kills: number
  /** Ends it earlier, in milliseconds: then it is by this that moves and kills are spread. */
  readonly time?: number
  readonly faults: boolean
  readonly progress?: (line: string) => void
}

export type Counts = Readonly<Record<string, number>>

/** What a crowd has done. */
export type CrowdFigures = {
  readonly seconds: number
  readonly moves: number
  readonly movesByKind: Counts
  readonly requests: number
  readonly requestsPerSecond: number
  readonly clients: number
  readonly instances: number
  readonly kills: number
  readonly answers: Counts
  /** Of answers: half of them came within so many, and so on. */
  readonly milliseconds: Counts
  /** How long a 503 was in coming, at most, in milliseconds. */
  readonly longestRefusal: number
  readonly sql: Counts
  readonly faults: Counts
  readonly sweeps: Counts
}

/** Of each facade, so that some meet at a key, and at a facade that is free. */
const CLIENTS = 1.5
/** Facades have so long to answer what they have begun, in milliseconds. */
const LAST_MS = 35_000
/** The shares of moves that are swept, and of sweeps that are killed, and frozen. */
const SWEPT = 0.6
const KILLED = 0.3
const FROZEN = 0.1
/** Legacy programs, by how long they rest between two writes, in milliseconds; the last has its transactions open for long. */
const PAUSES = [150, 150, 300]
/** The longest between two faults, in milliseconds. */
const BETWEEN = 700

/** Clients, legacy programs, whoever moves routes and sweeps them, and what goes wrong, at work on the same keys. */
export class Crowd {
  readonly recorder = new Recorder()
  readonly moves: Moves
  readonly sweeps: Sweeps
  readonly #ground: MovedGround
  readonly #options: CrowdOptions
  readonly #random: Random
  readonly #keys: Keys
  readonly #legacy: Legacy
  readonly #faults = new Map<string, number>()
  #kills = 0
  #worked = 0

  constructor(ground: MovedGround, options: CrowdOptions) {
    this.#ground = ground
    this.#options = options
    this.#random = new Random(`cutover ${options.seed}`)
    this.#keys = new Keys(this.#random.fork('keys'))
    this.moves = new Moves(ground, this.#keys, this.#random.fork('moves'))
    this.sweeps = new Sweeps(ground, this.#random.fork('sweeps'))
    const parts = { ground, keys: this.#keys, recorder: this.recorder }
    this.#legacy = new Legacy({ ...parts, random: this.#random.fork('legacy') })
  }

  /** How much of all is done, of 1. @param spent in this part of the work, in milliseconds */
  #done(spent: number): number {
    const { requests, time } = this.#options
    return Math.max(this.recorder.requests / requests, time === undefined ? 0 : (this.#worked + spent) / time)
  }

  /** Works until so much of all is done, of 1; then every call is answered, or nobody knows what became of it. */
  async work(upTo: number): Promise<void> {
    const { instances: count, faults, progress = () => {} } = this.#options
    const random = this.#random.fork(`work ${upTo}`)
    const instances = await Instances.open(this.#ground, count, random.fork('instances'))
    const faulty = new Faulty(this.#ground, instances, random.fork('faults'), this.#faults)
    const parts = { instances, keys: this.#keys, recorder: this.recorder }
    const clients = new Clients({ ...parts, random: random.fork('clients') })
    const started = performance.now()
    const stop = new AbortController()
    const told = setInterval(() => progress(this.#told()), 10_000)
    const working = [
      ...Array.from({ length: this.#clients }, (_, at) => clients.run(`client ${at}`, stop.signal)),
      ...PAUSES.map((pause, at) => this.#legacy.run(stop.signal, pause, at === PAUSES.length - 1)),
      ...(faults ? [faulty.run(BETWEEN, stop.signal)] : []),
    ]
    const failed = Promise.all(working).then(() => new Promise<never>(() => {}))
    try {
      await Promise.race([this.#drive(upTo, { instances, started, random: random.fork('driver') }), failed])
    } finally {
      stop.abort()
      clearInterval(told)
      faulty.clear()
      instances.thaw()
    }
    this.#worked += performance.now() - started
    await Promise.all(working)
    await comesTrue(LAST_MS, () => instances.busy === 0)
    this.recorder.close()
    await instances.close()
    this.sweeps.thaw()
  }

  /** Moves routes, sweeps them and kills facades, as much as is due. */
  async #drive(
    upTo: number,
    parts: { readonly instances: Instances; readonly started: number; readonly random: Random },
  ): Promise<void> {
    const { instances, started, random } = parts
    const { moves, kills, faults } = this.#options
    let sweeping: Promise<void> | undefined
    for (;;) {
      const done = this.#done(performance.now() - started)
      const due = Math.min(upTo, done)
      const isKilled = this.#kills >= due * kills || !faults
      if (done >= upTo && this.moves.made >= upTo * moves && isKilled) break
      if (this.moves.made < due * moves) {
        const entity = await this.moves.step()
        if (sweeping === undefined && random.chance(SWEPT)) {
          const luck = faults ? random.next() : 1
          const fate = luck < KILLED ? 'killed' : luck < KILLED + FROZEN ? 'frozen' : 'end'
          sweeping = this.sweeps.run(entity, fate).then(() => {
            sweeping = undefined
            this.sweeps.thaw()
          })
        }
      }
      if (!isKilled && (await instances.kill())) this.#kills += 1
      await wait(20)
    }
    await sweeping
  }

  get #clients(): number {
    return Math.ceil(this.#options.instances * CLIENTS)
  }

  #told(): string {
    const { requests } = this.recorder
    return `${requests} requests, ${this.moves.made} moves, ${this.#kills} kills, ${this.#keys.all.length} keys`
  }

  figures(): CrowdFigures {
    const { recorder, moves, sweeps } = this
    const seconds = this.#worked / 1000
    return {
      seconds: Math.round(seconds),
      ...{ moves: moves.made, movesByKind: sorted(moves.counts), requests: recorder.requests },
      requestsPerSecond: Math.round(recorder.requests / seconds),
      ...{ clients: this.#clients, instances: this.#options.instances, kills: this.#kills },
      ...{ answers: sorted(recorder.answers), milliseconds: percentiles(recorder.times) },
      longestRefusal: Math.round(recorder.longestRefusal),
      ...{ sql: sorted(this.#legacy.counts), faults: sorted(this.#faults), sweeps: { ...sweeps.counts } },
    }
  }
}

const sorted = (counts: ReadonlyMap<string, number>): Counts => Object.fromEntries([...counts].toSorted())
const percentiles = (times: readonly number[]): Counts => {
  const inOrder = times.toSorted((one, other) => one - other)
  const at = (share: number): number => Math.round(inOrder[Math.floor((inOrder.length - 1) * share)] ?? 0)
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) }
}
