import type { AttributeValue } from '@aws-sdk/client-dynamodb'

export type Item = Record<string, AttributeValue>

/** What a table is filled with. */
export type Workload = {
  readonly name: string
  readonly count: number
  item(number: number): Item
}

const keyOf = (number: number): string => `user-${String(number).padStart(9, '0')}@example.com`

/** A user, as the project has them: about 150 bytes, with one of each kind of small attribute. */
const small = (number: number): Item => ({
  id: { S: keyOf(number) },
  state: { S: `state ${number % 50}` },
  city: { S: `city ${number % 1_000}` },
  zipcode: { S: String(10_000 + (number % 90_000)) },
  visits: { N: String(number) },
  active: { BOOL: number % 3 > 0 },
  version: { N: '1' },
})

const PROSE = 'A row of words that stands for a document, as legacy applications keep them in one column. '

/** A document of 10 KB: text for the most part, and a list of maps. */
const large = (number: number): Item => ({
  ...small(number),
  text: { S: `${number} ${PROSE.repeat(105)}`.slice(0, 9_200) },
  lines: {
    L: Array.from({ length: 12 }, (_, at) => ({
      M: { name: { S: `line ${at} of ${number}` }, quantity: { N: `${number}.${at}` } },
    })),
  },
})

export const smallItems = (count: number): Workload => ({ name: `${count} small items`, count, item: small })
export const largeItems = (count: number): Workload => ({
  name: `${count} items of 10 KB`,
  count,
  item: large,
})
