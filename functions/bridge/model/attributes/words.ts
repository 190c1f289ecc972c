/**
 * Checks the words that a definition lists, those of an ENUM or a SET column.
 *
 * @throws TypeError for words that no such column has
 */
export const requireWords = (column: string, values: readonly string[]): void => {
  const fail = (why: string): never => {
    throw new TypeError(`${column}: ${why}`)
  }
  if (values.length === 0) fail('lists no words')
  if (new Set(values).size < values.length) fail('lists a word twice')
  // MySQL cuts the blanks when the table is made.
  if (values.some((value) => value.endsWith(' '))) fail('lists a word that ends with a blank')
  if (values.some((value) => value.includes('\u0000') || !value.isWellFormed()))
    fail('lists a word with a character that no column keeps')
}
