import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import type { ScanPage } from '../../../../functions/bridge/drivers/dynamo/scan.ts'

export const SEGMENTS = 2
export const PAGES = 3

/** A segment of a table in memory: pages of one item, `SEGMENT.PAGE`. */
export async function* pagesOf(segment: number, start: Item | undefined): AsyncGenerator<ScanPage> {
  for (let page = Number(start?.at?.N ?? 0); page < PAGES; page++)
    yield {
      items: [{ id: { S: `${segment}.${page}` } }],
      next: page === PAGES - 1 ? undefined : { at: { N: String(page + 1) } },
      readAt: 0,
      looked: 1,
    }
}
