import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { bytesIn, type Charset, holdsText } from '../../../../functions/bridge/model/attributes/charsets.ts'
import { encodedCharsets } from '../../../../functions/bridge/model/attributes/encodings.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

/** All of the basic plane but what no text has alone, and some beyond it. */
const codes = [
  ...Array.from({ length: 0xffff }, (_, at) => at + 1).filter((code) => code < 0xd800 || code > 0xdfff),
  0x1f3ac,
  0x20000,
]

describe('what a column of a character set holds', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora.legacy.query(
      'CREATE TABLE characters (n INT PRIMARY KEY, c VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)',
    )
    for (let from = 0; from < codes.length; from += 8_000)
      await aurora.legacy.query('INSERT INTO characters VALUES ?', [
        codes.slice(from, from + 8_000).map((code) => [code, String.fromCodePoint(code)]),
      ])
  })
  afterAll(() => aurora.close())

  it.each<Charset>([...encodedCharsets, 'ucs2', 'utf16', 'utf16le', 'utf32'])(
    'is known of each character, and its bytes: %s',
    async (charset) => {
      const [rows] = await aurora.legacy.query<RowDataPacket[]>(
        `SELECT n, LENGTH(CONVERT(c USING ${charset})) AS width FROM characters
         WHERE CONVERT(CONVERT(c USING ${charset}) USING utf8mb4) COLLATE utf8mb4_bin = c`,
      )
      const widths = new Map(rows.map(({ n, width }) => [Number(n), Number(width)]))
      const held = codes.filter((code) => holdsText(charset, String.fromCodePoint(code)))

      expect(held.filter((code) => !widths.has(code)).map((code) => code.toString(16))).toEqual([])
      expect(
        held.filter((code) => bytesIn(charset, String.fromCodePoint(code)) !== widths.get(code)),
      ).toEqual([])
      // Of what a server has beyond the standard something is refused, and hardly anything of a Western or Slavonic one's.
      expect(held.length).toBeGreaterThanOrEqual(charset === 'euckr' ? 8_000 : widths.size - 30)
    },
  )
})
