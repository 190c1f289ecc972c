import { type Attribute, type AttributeOptions, fromText, normalised, schemas, textual } from './attribute.ts'

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** How a column keeps a UUID. */
export type UuidColumn =
  /** BINARY(16), its bytes in their order. */
  | 'binary'
  /** BINARY(16) as `UUID_TO_BIN(uuid, 1)` makes it: what changes fastest comes last. */
  | 'swapped'
  /** CHAR(36) or VARCHAR(36), in small letters. */
  | 'text'

/**
 * A UUID in its usual form, over a column that is no key of the entity: small letters, other ones are put right before it is stored
 * on either side.
 *
 * @param kept how the column keeps it; default `binary`
 */
export const uuid = ({
  column,
  as,
  kept = 'binary',
  optional = false,
}: AttributeOptions & { readonly kept?: UuidColumn }): Attribute => {
  const what = 'a UUID, as 01990000-0000-7000-8000-000000000001'
  const schema = normalised(what, (text) => {
    const value = text.toLowerCase()
    return FORM.test(value) ? { value } : { fault: `must be ${what}` }
  })
  const shared = {
    ...textual,
    kind: 'uuid',
    column,
    as,
    ...schemas({ body: schema, image: schema }, optional, null),
  }
  if (kept === 'text')
    return {
      ...shared,
      jsonTableType: 'VARCHAR(37) CHARACTER SET ascii',
      // Capitals would be written back as small letters.
      fromSql: fromText((text) => (FORM.test(text) ? text : undefined)),
    }
  return {
    ...shared,
    jsonTableType: 'VARCHAR(33) CHARACTER SET ascii',
    toSql: (value) => {
      if (typeof value !== 'string') return null
      const [low = '', middle = '', high = '', ...rest] = value.split('-')
      return [...(kept === 'swapped' ? [high, middle, low] : [low, middle, high]), ...rest].join('')
    },
    stored: (text) => `UNHEX(${text})`,
    asText: (own) => `LOWER(HEX(${own}))`,
    fromSql: fromText((text) => {
      const parts = (kept === 'swapped' ? SWAPPED : PLAIN).exec(text)
      if (parts === null) return undefined
      const [, first = '', middle = '', last = '', variant = '', node = ''] = parts
      const [low, high] = kept === 'swapped' ? [last, first] : [first, last]
      return [low, middle, high, variant, node].join('-')
    }),
  }
}

const PLAIN = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/
const SWAPPED = /^([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{12})$/
