import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { date } from '../../../../functions/bridge/model/attributes/date.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { oneOf } from '../../../../functions/bridge/model/attributes/one-of.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { uuid } from '../../../../functions/bridge/model/attributes/uuid.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { natural } from '../../../../functions/bridge/model/identity.ts'
import { InvalidPositionError } from '../../../../functions/bridge/ports/store.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs } from '../../../support/runs.ts'
import { RECORD } from '../../fixtures/adopted.ts'

const DAYS = ['0000-00-00', '2026-00-10', '2026-01-01']
const LABELS = ['', 'ab', 'too long']
const LEVELS = ['', 'high', 'low']
const NUMBERS = ['1', '1000']
const OWNERS = ['01990000-0000-7000-8000-00000000000a', '01990000-0000-7000-8000-00000000000B']

const entry = defineEntity({
  name: 'entry',
  plural: 'entries',
  keyName: 'entryKey',
  table: 'entries',
  identity: natural(['day', 'label', 'level', 'entry_no', 'owner'], { collation: 'utf8mb4_general_ci' }),
  attributes: {
    day: date({ column: 'day' }),
    label: text({ column: 'label', maxLength: 4, minLength: 0 }),
    level: oneOf({ column: 'level', values: ['low', 'high'] }),
    number: integer({ column: 'entry_no', max: 100n }),
    owner: uuid({ column: 'owner', kept: 'text' }),
    content: text({ column: 'content', maxLength: 100_000, optional: true }),
  },
  example: { day: '2026-01-01', label: 'a', level: 'low', number: 1, owner: OWNERS[0] },
})

/** Whether the definition reads a row of such a key. */
const isReadable = ([day, label = '', level, number, owner]: readonly string[]): boolean =>
  day === '2026-01-01' && label.length <= 4 && level !== '' && number === '1' && owner === OWNERS[0]

describe('rows whose keys the definition has no form for, as a lax session has left them', () => {
  let aurora: TestAurora
  const keys = DAYS.flatMap((day) =>
    LABELS.flatMap((label) =>
      LEVELS.flatMap((level) =>
        NUMBERS.flatMap((number) => OWNERS.map((owner) => [day, label, level, number, owner])),
      ),
    ),
  )
  const readable = keys.filter(isReadable).map((key) => key.join())

  beforeAll(async () => {
    aurora = await openTestAurora()
    await aurora.legacy.query("SET sql_mode = ''")
    await aurora.legacy.query(`CREATE TABLE entries (day DATE NOT NULL, label VARCHAR(10) NOT NULL,
      level ENUM('high', 'low') NOT NULL, entry_no INT NOT NULL, owner CHAR(36) NOT NULL, content LONGTEXT NULL, ${RECORD},
      PRIMARY KEY (day, label, level, entry_no, owner)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
    await aurora.legacy.query('INSERT INTO entries (day, label, level, entry_no, owner) VALUES ?', [keys])
  })
  afterAll(() => aurora.close())

  const pages = async (limit: number, entity: Entity = entry) => {
    const items: string[] = []
    const unreadable: string[] = []
    let count = 0
    let position: string | undefined
    do {
      const page = await aurora.store.list(entity, { limit, position })
      items.push(...page.items.map(({ key }) => key))
      unreadable.push(...(page.unreadable ?? []).map(({ key }) => key))
      position = page.next
      count += 1
    } while (position !== undefined && count <= keys.length)
    return { items, unreadable, count }
  }

  it('are named in a list, which goes on behind them, page by page, each row once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), async (limit) => {
        const { items, unreadable, count } = await pages(limit)
        expect(items.toSorted()).toEqual(readable.toSorted())
        expect(new Set(unreadable).size).toBe(unreadable.length)
        expect(items.length + unreadable.length).toBe(keys.length)
        expect(count).toBe(Math.ceil(keys.length / limit))
      }),
      runs(4),
    )
  }, 60_000)

  it('say which part of the key it is, its kind and the rule', async () => {
    const { unreadable } = await aurora.store.list(entry, { limit: 1, position: undefined })

    expect(unreadable).toEqual([
      {
        key: `0000-00-00,,,1,${OWNERS[0]}`,
        error: expect.objectContaining({
          code: 'row.unreadable',
          message: expect.stringMatching(/day \(date\) must be a date, as YYYY-MM-DD; level \(oneOf\) /),
        }),
      },
    ])
  })

  it('hide nothing of a page whose rows are read in pieces', async () => {
    await aurora.legacy.query(
      "UPDATE entries SET content = REPEAT('x', 70000) WHERE level = 'high' AND entry_no = 1",
    )

    const { items, unreadable } = await pages(13)
    expect(items.toSorted()).toEqual(readable.toSorted())
    expect(items.length + unreadable.length).toBe(keys.length)
    await aurora.legacy.query('UPDATE entries SET content = NULL')
  }, 60_000)

  it('are no key that could be asked for, and taken for none that the collation takes for it', async () => {
    for (const key of [
      `0000-00-00,,,1,${OWNERS[0]}`,
      `2026-01-01,too long,high,1,${OWNERS[0]}`,
      `2026-01-01,ab,high,1,${OWNERS[1]}`,
      `2026-01-01,ab,high,1,${OWNERS[1]?.toLowerCase()}`,
    ])
      expect(await aurora.store.get(entry, key)).toBeUndefined()
    for (const key of readable) expect(await aurora.store.get(entry, key)).toMatchObject({ key })
  })

  it.each(['', 'a', '2026-01-01,ab,1,1', '2026-01-01,ab,high,1,a', '2026-01-01,ab,1,x,a', ',,,,,'])(
    'a position that no page gave is refused: %j',
    async (position) => {
      await expect(aurora.store.list(entry, { limit: 1, position })).rejects.toThrow(InvalidPositionError)
    },
  )
})
