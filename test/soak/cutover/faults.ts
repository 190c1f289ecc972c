import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { MovedGround } from './ground.ts'
import type { Instances } from './instances.ts'

/** What the relay writes items by, and what streams are read by. */
const RELAYED = ['PutItem', 'UpdateItem', 'TransactWriteItems', 'DeleteItem']
const STREAMED = ['GetRecords']

/** Facades that are frozen at once. */
const FROZEN = 3

/** What goes wrong, by its name, for so long, in milliseconds. */
const WEIGHTS = {
  'facade frozen': 10,
  'facade frozen for long': 1,
  'relay stalled': 2,
  'stream stalled': 2,
  'route unreadable': 2,
  "answer of DynamoDB's lost": 3,
  "answer of Aurora's lost": 3,
} as const
type Name = keyof typeof WEIGHTS

/** Longest, in milliseconds. */
const LASTS: Readonly<Record<Name, number>> = {
  'facade frozen': 12_000,
  'facade frozen for long': 120_000,
  'relay stalled': 15_000,
  'stream stalled': 15_000,
  'route unreadable': 8_000,
  "answer of DynamoDB's lost": 3_000,
  "answer of Aurora's lost": 3_000,
}

/** Has things go wrong beside kills, and counts those that hit. */
export class Faulty {
  readonly #counts: Map<string, number>
  readonly #ground: MovedGround
  readonly #instances: Instances
  readonly #random: Random
  readonly #ends = new Set<() => void>()
  readonly #under = new Map<Name, number>()

  /** @param counts how often each has hit so far */
  constructor(ground: MovedGround, instances: Instances, random: Random, counts: Map<string, number>) {
    this.#counts = counts
    this.#ground = ground
    this.#instances = instances
    this.#random = random
  }

  /** @param pause the longest between two that begin, in milliseconds */
  async run(pause: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await wait(pause * this.#random.next())
      const name = this.#random.weighted(WEIGHTS)
      const most = name === 'facade frozen' ? FROZEN : 1
      if ((this.#under.get(name) ?? 0) >= most || signal.aborted) continue
      const end = this.#begin(name)
      if (end === undefined) continue
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
      this.#under.set(name, (this.#under.get(name) ?? 0) + 1)
      this.#later(name, end)
    }
  }

  #later(name: Name, end: () => void): void {
    const over = (): void => {
      if (!this.#ends.delete(over)) return
      clearTimeout(timer)
      this.#under.set(name, (this.#under.get(name) ?? 1) - 1)
      end()
    }
    const timer = setTimeout(over, LASTS[name] * this.#random.next())
    this.#ends.add(over)
  }

  /** @returns what ends it; undefined where it found nothing to hit */
  #begin(name: Name): (() => void) | undefined {
    const { proxy, facadeProxy, faults, tables } = this.#ground
    switch (name) {
      case 'facade frozen':
      case 'facade frozen for long':
        return this.#instances.freeze()
      case 'relay stalled':
      case 'stream stalled':
        if ((this.#under.get('relay stalled') ?? 0) + (this.#under.get('stream stalled') ?? 0) > 0)
          return undefined
        proxy.hold(name === 'relay stalled' ? RELAYED : STREAMED)
        return () => proxy.hold()
      case 'route unreadable':
        facadeProxy.add({ kind: 'throttle', table: tables.routes })
        return () => facadeProxy.clear()
      case "answer of DynamoDB's lost":
        facadeProxy.add({
          ...{
            kind: 'drop-after',
            table: this.#random.pick([tables.chef, tables.plate, tables.idempotency]),
          },
          ...{ operations: ['PutItem', 'UpdateItem', 'TransactWriteItems'], times: this.#random.int(1, 4) },
        })
        return () => {}
      case "answer of Aurora's lost":
        faults.add({ kind: 'drop-after', operation: 'Execute', times: this.#random.int(1, 4) })
        return () => {}
    }
  }

  /** Ends all that goes wrong. */
  clear(): void {
    for (const end of [...this.#ends]) end()
    this.#ground.proxy.hold()
    this.#ground.proxy.clear()
    this.#ground.facadeProxy.clear()
    this.#ground.faults.clear()
  }
}
