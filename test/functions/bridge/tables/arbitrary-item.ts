import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { fc } from '@fast-check/jest'
import type { Item } from '../../../../functions/bridge/tables/scan.ts'

const text = (minLength = 0): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', minLength, maxLength: 12 })
const bytes = (minLength = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength: 12 })

/** As DynamoDB gives numbers back: up to 38 digits, no needless zeros, small and large exponents. */
const number: fc.Arbitrary<string> = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }), fc.integer({ min: 0, max: 37 }))
  .map(([negative, digits, point]) => {
    const all = String(digits).padStart(point + 1, '0')
    const whole = all.slice(0, all.length - point)
    const fraction = all.slice(all.length - point).replace(/0+$/, '')
    const amount = fraction === '' ? whole : `${whole}.${fraction}`
    return negative && digits !== 0n ? `-${amount}` : amount
  })

/** An attribute value of any type, nested a little. */
export const arbitraryValue = (): fc.Arbitrary<AttributeValue> => tree.value

const tree = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text().map((S): AttributeValue => ({ S })),
    number.map((N): AttributeValue => ({ N })),
    bytes().map((B): AttributeValue => ({ B })),
    fc.boolean().map((BOOL): AttributeValue => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc.uniqueArray(text(), { minLength: 1, maxLength: 4 }).map((SS): AttributeValue => ({ SS })),
    fc.uniqueArray(number, { minLength: 1, maxLength: 4 }).map((NS): AttributeValue => ({ NS })),
    fc
      .uniqueArray(bytes(), { minLength: 1, maxLength: 4, selector: (member) => member.join() })
      .map((BS): AttributeValue => ({ BS })),
    fc.array(tie('value'), { maxLength: 3 }).map((L): AttributeValue => ({ L })),
    fc.dictionary(text(1), tie('value'), { maxKeys: 3 }).map((M): AttributeValue => ({ M })),
  ),
}))

/** An item with a text key `id` and attributes of any type. */
export const arbitraryItem = (): fc.Arbitrary<Item> =>
  fc
    .tuple(fc.uuid(), fc.dictionary(text(1), arbitraryValue(), { maxKeys: 5 }))
    .map(([id, attributes]) => ({ ...attributes, id: { S: id } }))
