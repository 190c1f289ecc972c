import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { ScanPage } from '../drivers/dynamo/scan.ts'

/** How much a job has before it, and what a first page of it has shown, which was read and not applied. */
export type Extent = {
  readonly items: number
  readonly bytes: number
  /** Whether it was counted, or is a guess that may be hours old. */
  readonly exact: boolean
  /** What reading all of it takes in seconds, one page behind the other; undefined where the first page has shown nothing. */
  readonly reading: number | undefined
}

/** What is believed of a table before anything of it was read. */
export type Believed = { readonly items: number; readonly bytes: number; readonly exact?: boolean }

/**
 * Reads a first page and nothing else, to know what is to come.
 *
 * @param believed what the store says of all of it
 * @param sizeOf the bytes of a page @default of its items, as DynamoDB counts them
 * @throws what the pages throw
 */
export const measureExtent = async (
  believed: Believed,
  pages: AsyncIterable<ScanPage>,
  sizeOf = (page: ScanPage): number => page.items.reduce((sum, item) => sum + itemSize(item), 0),
): Promise<Extent> => {
  const begun = performance.now()
  for await (const page of pages) {
    const seconds = (performance.now() - begun) / 1_000
    const [looked, bytes] = [page.looked, sizeOf(page)]
    // Nothing stands behind it: whatever was believed, this is all.
    if (page.next === undefined) return { items: looked, bytes, exact: true, reading: seconds }
    const items = Math.max(believed.items, looked)
    const each = looked === 0 ? 0 : bytes / looked
    return {
      items,
      bytes: believed.bytes > 0 ? believed.bytes : Math.round(each * items),
      exact: believed.exact === true && items === believed.items,
      reading: looked === 0 ? undefined : (seconds * items) / looked,
    }
  }
  return { ...believed, exact: false, reading: undefined }
}

/** How long a job should take, in seconds, and how fast it is then. */
export type Forecast = { readonly seconds: number; readonly perSecond: number }

/**
 * What reading and the operator's bound alone take: it may take longer, since what is read is applied as well.
 *
 * @param concurrency pages that are read at once
 */
export const leastTime = (
  { items, reading }: Pick<Extent, 'items' | 'reading'>,
  {
    maxRate = Number.POSITIVE_INFINITY,
    concurrency,
  }: { readonly maxRate?: number | undefined; readonly concurrency: number },
): Forecast | undefined => {
  if (reading === undefined || items === 0) return undefined
  const seconds = Math.max(reading / concurrency, items / maxRate)
  return { seconds, perSecond: items / Math.max(seconds, 0.001) }
}

/** No rate says anything before so much was done, in seconds, and so many items. */
const SOON = { seconds: 1, items: 100 }

/** What a job turns out to take: forecast once, by its first pages, and told against that at its end. */
export class Course {
  readonly #now: () => number
  readonly #items: number
  #begun: number
  #before = 0
  #forecast: Forecast | undefined

  /** @param items of all of it @param now a clock in milliseconds @default performance.now */
  constructor(items: number, now: () => number = () => performance.now()) {
    this.#items = items
    this.#now = now
    this.#begun = now()
  }

  /** The work begins. @param before items that earlier runs have done */
  begin(before: number): void {
    this.#begun = this.#now()
    this.#before = before
  }

  /** @param done items by now, those of earlier runs included */
  note(done: number): void {
    const [more, seconds] = [done - this.#before, this.seconds]
    if (this.#forecast !== undefined || more < SOON.items || seconds < SOON.seconds) return
    const left = Math.max(this.#items - this.#before, more)
    this.#forecast = { seconds: (left * seconds) / more, perSecond: more / seconds }
  }

  /** Of this run, by its first pages; undefined as long as these say nothing. */
  get forecast(): Forecast | undefined {
    return this.#forecast
  }

  /** Since its begin. */
  get seconds(): number {
    return (this.#now() - this.#begun) / 1_000
  }
}
