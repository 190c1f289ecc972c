import type { Attribute } from './attribute.ts'
import { type FloatingOptions, floating } from './floating.ts'

/**
 * A number over a DOUBLE column: text, such as `0.1` or `5e-324`, because one of 17 digits is more than some JSON
 * parsers keep. Clients send a JSON number or its text; digits that a DOUBLE would round are refused.
 */
export const double = (options: FloatingOptions): Attribute => ({
  ...floating(options, { name: 'DOUBLE', nearest: (number) => number, shortest: String }),
  kind: 'double',
})
