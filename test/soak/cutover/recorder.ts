import type { Read } from './answers.ts'
import type { Answered, Asked, Operation } from './history.ts'
import type { MovedEntity } from './moved.ts'

type Begun = {
  readonly entity: MovedEntity
  readonly key: string | undefined
  readonly asked: Asked
  readonly by: string
}

/** An operation on its way into the history. */
export type Open = {
  /** Which facade has taken it. */
  sentTo(instance: number): void
  /** @param at the side that has answered, and the route as it knew it */
  answered(read: Read, name: string, at: string): void
  /** Nobody knows what became of it. */
  unanswered(): void
}

/** All calls and answers, by one clock. */
export class Recorder {
  readonly history: Operation[] = []
  /** What was answered, by its name, how often. */
  readonly answers = new Map<string, number>()
  /** What no facade may answer. */
  readonly faults: string[] = []
  /** How long a 503 was in coming, at most, in milliseconds. */
  longestRefusal = 0
  /** How long answers were in coming, in milliseconds. */
  readonly times: number[] = []
  #requests = 0
  readonly #open = new Set<Open>()

  /** Calls of facades, answered or not. */
  get requests(): number {
    return this.#requests
  }

  open({ entity, key, asked, by }: Begun): Open {
    const from = performance.now()
    let who = by
    const note = (until: number | undefined, answer: Answered | undefined, its = key): void => {
      this.history.push({
        ...{ key: its === undefined ? undefined : `${entity} ${its}`, asked, from, by: who },
        ...(answer !== undefined && until !== undefined && { until, answer }),
      })
    }
    const open: Open = {
      sentTo: (instance) => {
        who = `${by} at facade ${instance}`
      },
      answered: (read, name, at) => {
        const until = performance.now()
        // Its caller has long gone, and has noted so.
        if (!this.#open.delete(open)) return
        who = `${who} (${at})`
        this.#requests += 1
        this.times.push(until - from)
        this.count(name)
        if (read.fault !== undefined) this.faults.push(`${who}: ${entity} ${key ?? ''}: ${read.fault}`)
        if (name.startsWith('503')) this.longestRefusal = Math.max(this.longestRefusal, until - from)
        if (read.isNothing !== true) note(until, read.answer, key ?? read.key)
      },
      unanswered: () => {
        if (!this.#open.delete(open)) return
        this.#requests += 1
        this.count('none')
        note(undefined, undefined)
      },
    }
    this.#open.add(open)
    return open
  }

  /** What is known otherwise of a key. */
  add(operation: Operation): void {
    this.history.push(operation)
  }

  /** Whatever has no answer yet gets none. */
  close(): void {
    for (const one of [...this.#open]) one.unanswered()
  }

  count(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
  }
}
