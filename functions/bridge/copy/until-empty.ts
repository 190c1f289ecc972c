import type { Item } from '../drivers/dynamo/items.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'

/** A table that is being written all the time is never found empty; what then is left, the verification tells. */
const MOST_PASSES = 1_000

/**
 * Reads a segment again and again from its start while what it yields is being deleted, until there is nothing left.
 *
 * One pass would do if each page were found behind the one before. But its position is an item that is deleted by then:
 * DynamoDB goes on behind it all the same, while there is an emulator that takes it for the segment's end.
 */
export class UntilEmpty {
  /** How many of a page's items were deleted, as soon as that is known. */
  readonly #deleted = new WeakMap<ScanPage, PromiseWithResolvers<number>>()

  /** @param scan reads keys from a position to the segment's end */
  async *scan(
    scan: (start: Item | undefined) => AsyncIterable<ScanPage>,
    start: Item | undefined,
  ): AsyncGenerator<ScanPage> {
    let from = start
    let last: ScanPage | undefined
    for (let pass = 1; ; pass++) {
      let position = from
      const pages: Promise<number>[] = []
      for await (const read of scan(from)) {
        position = read.next ?? read.items.at(-1) ?? position
        const empty = from === undefined && pages.length === 0 && read.items.length === 0
        const ends = read.next === undefined && (empty || pass === MOST_PASSES)
        const page = { ...read, next: ends ? undefined : position }
        const deleted = Promise.withResolvers<number>()
        this.#deleted.set(page, deleted)
        pages.push(deleted.promise)
        last = page
        yield page
        if (ends) return
      }
      // The next pass must not read what is about to be deleted.
      const counts = await Promise.all(pages)
      from = undefined
      if (pass === 1 || last === undefined || counts.some((count) => count > 0)) continue
      // What is left can't be deleted.
      yield { ...last, items: [], looked: 0, next: undefined }
      return
    }
  }

  /** Deletes a page of `scan`. @param work gives how many were deleted */
  async delete<T extends { readonly applied: number }>(page: ScanPage, work: () => Promise<T>): Promise<T> {
    let applied = 0
    try {
      const outcome = await work()
      applied = outcome.applied
      return outcome
    } finally {
      this.#deleted.get(page)?.resolve(applied)
    }
  }
}
