import type { Attribute } from './attribute.ts'
import { type FloatingOptions, floating } from './floating.ts'

/** As many digits as tell every FLOAT from its neighbours. */
const MOST_DIGITS = 9

const shortest = (number: number): string => {
  for (let digits = 1; digits < MOST_DIGITS; digits++) {
    const text = number.toPrecision(digits)
    if (Math.fround(Number(text)) === number) return String(Number(text))
  }
  return String(Number(number.toPrecision(MOST_DIGITS)))
}

/**
 * A number over a FLOAT column: text, the shortest that means the same FLOAT, such as `0.1`. Clients send a JSON number
 * or its text; digits that a FLOAT would round are refused.
 */
export const float = (options: FloatingOptions): Attribute => ({
  ...floating(options, { name: 'FLOAT', nearest: Math.fround, shortest }),
  kind: 'float',
  // By itself MySQL shows six digits. It cuts a DOUBLE that is no column to sixteen, which tell FLOATs apart.
  asText: (own) => `CAST(CAST(${own} AS DOUBLE) AS CHAR)`,
})
