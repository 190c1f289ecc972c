import { describe, expect, it } from '@jest/globals'
import { UntilEmpty } from '../../../../functions/bridge/copy/until-empty.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import type { ScanPage } from '../../../../functions/bridge/drivers/dynamo/scan.ts'
import { NOTHING, runSegments } from '../../../../functions/bridge/jobs/segments.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'

/** Two items a page. @param forgets whether a position whose item is gone is taken for the end */
const segmentOf = (count: number, forgets: boolean, stubborn = '') => {
  const items = new Set(Array.from({ length: count }, (_, n) => `item-${String(n).padStart(3, '0')}`))
  const reads: string[] = []
  const scan = async function* (start: Item | undefined): AsyncGenerator<ScanPage> {
    let position = start?.id?.S
    do {
      reads.push(position ?? 'start')
      const lost = forgets && position !== undefined && !items.has(position)
      const behind = lost ? [] : [...items].sort().filter((id) => id > (position ?? ''))
      const page = behind.slice(0, 2)
      position = behind.length > 2 ? page.at(-1) : undefined
      yield {
        items: page.map((id) => ({ id: { S: id } })),
        next: position === undefined ? undefined : { id: { S: position } },
        readAt: 0,
        looked: page.length,
      }
    } while (position !== undefined)
  }
  const untilEmpty = new UntilEmpty()
  const run = async (start?: Item) =>
    runSegments({
      lease: {
        progress:
          start === undefined ? [] : [{ segment: 0, segments: 1, done: false, start, tally: NOTHING }],
        save: async () => {},
      },
      segments: 1,
      deadline: new Deadline(),
      scan: (_, from) => untilEmpty.scan(scan, from),
      page: (page) =>
        untilEmpty.delete(page, async () => {
          const ids = page.items.map(({ id }) => id?.S ?? '')
          // As if the deletes were slower than the read of the next page.
          for (let turn = 0; turn < 20; turn++) await Promise.resolve()
          const applied = ids.filter((id) => id !== stubborn && items.delete(id)).length
          return { ...NOTHING, items: ids.length, applied, refused: ids.length - applied }
        }),
    })
  return { items, reads, run }
}

describe('a segment that is emptied while it is read', () => {
  it.each([
    [0, false],
    [1, false],
    [7, false],
    [1, true],
    [7, true],
    [8, true],
  ])('of %i items ends empty, each deleted once; positions are forgotten: %s', async (count, forgets) => {
    const { items, run } = segmentOf(count, forgets)
    const [end] = await run()

    expect([...items]).toEqual([])
    expect(end).toMatchObject({ done: true, tally: { applied: count, refused: 0 } })
  })

  it.each([true, false])(
    'goes on behind an item that is gone; positions are forgotten: %s',
    async (forgets) => {
      const { items, run } = segmentOf(9, forgets)
      items.delete('item-003')
      const [end] = await run({ id: { S: 'item-003' } })

      expect([...items]).toEqual([])
      expect(end?.done).toBe(true)
    },
  )

  it('ends when what is left can’t be deleted', async () => {
    const { items, reads, run } = segmentOf(5, false, 'item-002')
    const [end] = await run()

    expect([...items]).toEqual(['item-002'])
    expect(end).toMatchObject({ done: true, tally: { applied: 4 } })
    expect(reads.length).toBeLessThan(10)
  })
})
