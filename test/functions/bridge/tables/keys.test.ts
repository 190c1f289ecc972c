import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { DecimalText, decodeItem, sameValue } from '../../../../functions/bridge/model/values.ts'
import { keyItem, keyText } from '../../../../functions/bridge/tables/keys.ts'
import { codePoint } from '../../../support/code-point.ts'

describe('the text of a key', () => {
  const values = {
    S: fc.string({ minLength: 1, unit: codePoint }).filter((text) => text.isWellFormed()),
    N: fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }).map((number) => new DecimalText(String(number))),
    B: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }
  const pairs = (['S', 'N', 'B'] as const).flatMap((one) =>
    (['S', 'N', 'B'] as const).map((other) => [one, other] as const),
  )

  it.each(pairs)('of %s and %s stands for that key alone', async (one, other) => {
    const schema = keySchema({ partition: { name: 'a', type: one }, sort: { name: 'b', type: other } }, 't')
    await fc.assert(
      fc.property(fc.record({ a: values[one], b: values[other] }), (key) => {
        expect(sameValue(decodeItem(keyItem(schema, keyText(schema, key)), 'key'), key)).toBe(true)
      }),
    )
  })

  test.prop([values.S])('of one attribute is the value itself', (text) => {
    const schema = keySchema({ partition: 'id' }, 't')
    expect(keyText(schema, { id: text })).toBe(text)
    expect(keyItem(schema, text)).toEqual({ id: { S: text } })
  })

  it('is the same for numbers of one amount', () => {
    const schema = keySchema({ partition: { name: 'id', type: 'N' } }, 't')
    expect(keyText(schema, { id: new DecimalText('1.50') })).toBe(
      keyText(schema, { id: new DecimalText('15e-1') }),
    )
  })
})
