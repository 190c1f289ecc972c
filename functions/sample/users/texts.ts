import type { AttributeValue } from '@aws-sdk/client-dynamodb'

export type Texts = Readonly<Record<string, string>>

/** Whatever texts an item has, whoever wrote it; `without` some. */
export const textsOf = (
  item: Readonly<Record<string, AttributeValue>>,
  without: readonly string[] = [],
): Texts =>
  Object.fromEntries(
    Object.entries(item).flatMap(([name, { S }]) =>
      S === undefined || without.includes(name) ? [] : [[name, S]],
    ),
  )
