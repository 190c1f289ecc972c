/** What became of a write: its answer said so, or none came. One that was refused has written nothing. */
export type Ending = 'acknowledged' | 'unknown' | 'refused'

type Write = {
  /** What was written, which nobody else writes; null: nothing is there any more. */
  readonly value: string | null
  readonly by: string
  readonly from: number
  until: number
  ending: Ending
}

/** One write under way. */
export type Open = { end(ending: Ending): void }

/**
 * All writes of some registers, by when each began and was answered: from that it can be told whether what stands in one in
 * the end may be what was written last.
 */
export class Book {
  readonly #writes = new Map<string, Write[]>()
  readonly #astray = new Set<string>()
  #count = 0

  /** How many writes were acknowledged. */
  get acknowledged(): number {
    return this.#count
  }

  get registers(): Iterable<string> {
    return this.#writes.keys()
  }

  /** A value that nobody else writes. */
  static readonly value = ((): (() => string) => {
    let last = 0
    return () => {
      last += 1
      return `written ${last}`
    }
  })()

  /** @param from when it began. @default now */
  begin(register: string, value: string | null, by: string, from = performance.now()): Open {
    const write: Write = {
      value,
      by,
      from,
      until: Number.POSITIVE_INFINITY,
      ending: 'unknown',
    }
    const known = this.#writes.get(register)
    if (known === undefined) this.#writes.set(register, [write])
    else known.push(write)
    return {
      end: (ending) => {
        write.ending = ending
        if (ending !== 'acknowledged') return
        write.until = performance.now()
        this.#count += 1
      },
    }
  }

  /** A value whose register was never told: it may stand anywhere, or nowhere. */
  astray(value: string): void {
    this.#astray.add(value)
  }

  /**
   * What is wrong with what a register holds: nobody wrote it, or an acknowledged write that began after it was acknowledged is
   * lost.
   */
  fault(register: string, value: string | null): string | undefined {
    const writes = (this.#writes.get(register) ?? []).filter(({ ending }) => ending !== 'refused')
    const own = writes.filter((one) => one.value === value)
    if (value !== null && this.#astray.has(value)) return undefined
    if (own.length === 0) {
      const later = writes.find(({ ending }) => ending === 'acknowledged')
      if (value !== null) return `${register} holds ${value}, which nobody wrote there`
      return later && `${register} holds nothing, and ${told(later)}`
    }
    const latest = Math.max(...own.map(({ until }) => until))
    const lost = writes.find((one) => one.ending === 'acknowledged' && one.from > latest)
    return lost && `${register} holds ${value}, and ${told(lost)} after that`
  }

  /** All that is known of a register, for a person. */
  history(register: string): string {
    return (this.#writes.get(register) ?? [])
      .map(
        ({ value, by, from, until, ending }) =>
          `${Math.round(from)}..${Number.isFinite(until) ? Math.round(until) : ''} ${by} ${value} ${ending}`,
      )
      .join('; ')
  }
}

const told = ({ by, value }: Write): string => `${by} had written ${value ?? 'that it is gone'}`
