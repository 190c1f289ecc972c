/** What was worked out lately, by what it was worked out from. The one longest unused goes when it is full. */
export class Recent<Key, Value extends object> {
  readonly #values = new Map<Key, Value>()
  readonly #size: number

  /** @param size how many are kept */
  constructor(size: number) {
    this.#size = size
  }

  /** The value that is kept, or that `work` makes now; nothing is kept when it throws. */
  get(key: Key, work: () => Value): Value {
    const kept = this.#values.get(key)
    const value = kept ?? work()
    // A map lists its keys by when they were set, so a value that is used moves to the end.
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size > this.#size) {
      const oldest = this.#values.keys().next()
      if (!oldest.done) this.#values.delete(oldest.value)
    }
    return value
  }
}
