import { claim } from '../../../../../functions/bridge/cutover/claim.ts'
import { authorityOf, isTombstone } from '../../../../../functions/bridge/dynamo/authority.ts'
import { BridgeError } from '../../../../../functions/bridge/model/errors.ts'
import { otherOf } from '../../../../../functions/bridge/model/owner.ts'
import { plate } from '../../../fixtures/plate.ts'
import { type Faces, facesOf } from '../fakes/faces.ts'
import type { TakenOut } from '../fakes/guards.ts'
import { runner, type Step } from '../fakes/state.ts'
import { faultOf } from './assertions.ts'
import { request } from './facade.ts'
import { KEY, plain, type Scene, type World } from './world.ts'

/** What may be done next, by name: a call begins, or goes on by one step, or ends without an answer. */
export type Move = string

type Call = {
  /** What it was asked for, and what it has seen: all that it knows. */
  seen: string
  readonly waiting: (() => void)[]
}

/** A world in which calls are going on, each as far as it has got; the only place where they go on is here. */
export class Run {
  readonly world: World
  readonly #scene: Scene
  readonly #out: TakenOut
  readonly #calls = new Map<string, Call>()
  #fault: string | undefined
  #idle: () => void = () => undefined

  constructor(world: World, scene: Scene, out: TakenOut) {
    this.world = world
    this.#scene = scene
    this.#out = out
  }

  get isAtRest(): boolean {
    return this.#calls.size === 0
  }

  get isQuiet(): boolean {
    return this.isAtRest && this.world.taken === this.world.stores.records.length
  }

  get fault(): string | undefined {
    return this.#fault ?? faultOf(this.world, this.isQuiet)
  }

  /** All that the future depends on. */
  get print(): string {
    const calls = [...this.#calls].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return toText([this.world, calls.map(([name, { seen }]) => [name, seen])])
  }

  moves(): Move[] {
    const { left, taken, stores, route, known } = this.world
    const moves: Move[] = []
    const free = (name: string): boolean => !this.#calls.has(name)
    for (const name of this.#calls.keys()) moves.push(`${name} goes on`)
    if (left.deaths > 0) for (const name of this.#calls.keys()) moves.push(`${name} dies`)
    if (free('mirror') && taken < stores.records.length) moves.push('mirror takes one')
    if (free('mirror') && taken + 1 < stores.records.length) moves.push('mirror takes two')
    for (const [at, own] of left.facades.entries()) {
      const name = `facade ${at}`
      if (own === 0 || !free(name)) continue
      for (const does of this.#scene.wishes ?? ['put', 'delete']) {
        moves.push(`${name} knows ${does}`)
        if (known[at] !== route) moves.push(`${name} looks ${does}`)
      }
    }
    if (left.flips > 0) moves.push('route flips')
    const mayBegin = this.#scene.sideBySide ? route.epoch > 0n : route.epoch > 0n && !this.#isSweeping
    if (left.sweeps > 0 && mayBegin) moves.push(`sweep ${left.sweeps} begins`)
    if (left.legacy > 0 && stores.row !== undefined) moves.push('legacy writes')
    const whose = stores.item && !isTombstone(stores.item) ? authorityOf(stores.item).owner : undefined
    if (left.careless > 0 && whose === 'dynamo' && this.world.foreign === 0) moves.push('careless puts')
    const isFree = stores.item === undefined && stores.row?.owner === 'aurora'
    if (left.foreign > 0 && (whose === 'aurora' || isFree)) moves.push('foreign puts')
    if (left.again > 0 && free('again')) for (let at = 0; at < taken; at++) moves.push(`again takes ${at}`)
    return moves
  }

  get #isSweeping(): boolean {
    return [...this.#calls.keys()].some((name) => name.startsWith('sweep'))
  }

  async make(move: Move): Promise<void> {
    const { world } = this
    const { left } = world
    const [name = '', verb, which] = splitMove(move)
    const call = this.#calls.get(name)
    if (verb === 'goes') return this.#goOn(call)
    if (verb === 'dies') {
      world.left = { ...left, deaths: left.deaths - 1 }
      this.#calls.delete(name)
      return
    }
    if (name.startsWith('sweep')) {
      world.left = { ...left, sweeps: left.sweeps - 1 }
      const { target, epoch } = world.route
      return this.#begin(
        name,
        ({ sides }) => claim(plate, KEY, target, sides, { epoch }),
        `${target} ${epoch}`,
      )
    }
    switch (name) {
      case 'route': {
        world.left = { ...left, flips: left.flips - 1 }
        world.route = { target: otherOf(world.route.target), epoch: world.route.epoch + 1n }
        return
      }
      case 'legacy':
        world.left = { ...left, legacy: left.legacy - 1 }
        return this.#begin(name, (faces) => faces.plainUpdate(`legacy ${left.legacy}`))
      case 'careless':
        world.left = { ...left, careless: left.careless - 1 }
        return this.#begin(name, (faces) => faces.plainPut(plain(`careless ${left.careless}`, 1n), true))
      case 'foreign':
        world.left = { ...left, foreign: left.foreign - 1 }
        world.foreign += 1
        return this.#begin(name, (faces) => faces.plainPut(plain(`foreign ${left.foreign}`, 7n), false))
      case 'again': {
        world.left = { ...left, again: left.again - 1 }
        const at = Number(which)
        return this.#begin(name, (faces) => faces.deliver(at, at + 1), `${at}`)
      }
      case 'mirror': {
        const from = world.taken
        const to = from + (which === 'two' ? 2 : 1)
        return this.#begin(
          name,
          async (faces) => {
            if (await faces.deliver(from, to)) world.taken = to
          },
          `${to}`,
        )
      }
      default:
        return this.#request(name, Number(name.slice('facade '.length)), verb === 'looks', which)
    }
  }

  #request(name: string, at: number, looks: boolean, does: string | undefined): Promise<void> {
    const { world } = this
    const mine = world.left.facades[at] ?? 0
    world.left = { ...world.left, facades: world.left.facades.with(at, mine - 1) }
    if (looks) world.known = world.known.with(at, world.route)
    const of = {
      key: KEY,
      get route() {
        return world.known[at] ?? world.route
      },
      set route(route) {
        world.known = world.known.with(at, route)
      },
    }
    const wish = { does: does === 'put' ? 'put' : 'delete', title: `${at}.${mine}` } as const
    return this.#begin(name, (faces) => request(faces, of, wish, () => world.route), `${does}`)
  }

  /** @param what all that it was asked for, where its name and the world don't tell it: two that differ in that have two futures */
  #begin(name: string, work: (faces: Faces) => Promise<unknown>, what = ''): Promise<void> {
    const call: Call = { seen: what, waiting: [] }
    this.#calls.set(name, call)
    const step: Step = (of, task) =>
      new Promise((resolve, reject) => {
        call.waiting.push(() => {
          try {
            const result = task()
            this.#watch(of, result)
            call.seen = `${call.seen};${hash(toText([of, result]))}`
            resolve(result)
          } catch (error) {
            call.seen = `${call.seen};${of} ${error instanceof BridgeError ? error.code : String(error)}`
            reject(error)
          }
        })
        this.#idle()
      })
    const atOnce: Step = step
    const faces = facesOf({
      stores: this.world.stores,
      out: this.#out,
      atOnce,
      run: runner(step, this.#scene.fine ?? false),
      accepted: (title) => {
        this.world.last = title
      },
    })
    const begun = this.#untilIdle()
    work(faces)
      .catch((error: unknown) => {
        // What is refused was not acknowledged. Anything else is no answer.
        if (!(error instanceof BridgeError)) this.#fault = `thrown: ${String(error)}`
      })
      .finally(() => {
        if (this.#calls.get(name) === call) this.#calls.delete(name)
        this.#idle()
      })
    return begun.then(() => this.#goOn(call))
  }

  async #goOn(call: Call | undefined): Promise<void> {
    const [go] = call?.waiting.splice(0, 1) ?? []
    if (go === undefined) return
    const done = this.#untilIdle()
    go()
    await done
  }

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  /** A read at the key's owner is never stale. */
  #watch(name: string, result: unknown): void {
    if (!name.endsWith('.read') || typeof result !== 'object' || result === null) return
    const side = name.slice(0, -'.read'.length)
    const { item, row, tombstone } = this.world.stores
    if (this.world.foreign > 0 || Reflect.get(result, 'owner') !== side) return
    if (side === 'dynamo' ? item === undefined : (row ?? tombstone) === undefined) return
    const held: unknown = Reflect.get(result, 'row')
    const title: unknown = typeof held === 'object' && held !== null ? Reflect.get(held, 'title') : undefined
    if (title !== this.world.last)
      this.#fault = `a stale read at ${side}: ${String(title)}, acknowledged was ${this.world.last ?? 'a delete'}`
  }
}

const splitMove = (move: Move): string[] => {
  const [kind = '', ...words] = move.split(' ')
  return kind === 'facade' || kind === 'sweep' ? [`${kind} ${words[0]}`, ...words.slice(1)] : [kind, ...words]
}

const toText = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one)) ?? ''

/** Of 53 bits. */
export const hash = (text: string): number => {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}
