/** A statement as the Data API reads it. */
export type ScannedStatement = {
  /** the statement with `?` for each parameter, without the `;` at its end */
  readonly text: string
  /** the parameters' names in the order of their `?`; a name used twice stands here twice */
  readonly names: readonly string[]
  /** true when something other than space and comments follows a `;` */
  readonly multiple: boolean
  /** the statement's first words, upper case, without quoted ones: enough to tell its kind */
  readonly words: readonly string[]
}

/** Enough for `CREATE OR REPLACE DEFINER = user @ host AGGREGATE FUNCTION`. */
const WORDS = 10

/**
 * One token, tried in this order at each position: comments (`-- ` needs a space or the end after it; a version
 * comment is skipped whole), literals and quoted names (an unclosed one reaches to the end), colons that are no
 * parameter (`:=`, `::`), a parameter (its name may begin with a digit), `;`, a word (with `@` and `$`, so that a
 * variable is not taken for a keyword), space, any other character.
 */
const TOKEN =
  /(?<skip>--(?=[\s\p{Cc}]|$)[^\n]*|#[^\n]*|\/\*.*?(?:\*\/|$)|\s+)|(?<quoted>'(?:[^'\\]+|\\.|'')*(?:'|\\?$)|"(?:[^"\\]+|\\.|"")*(?:"|\\?$)|`(?:[^`]+|``)*(?:`|$))|(?<colons>:=|::+)|:(?<name>[A-Za-z0-9_]+)|(?<end>;)|(?<word>[A-Za-z0-9_$@\u0080-\uffff]+)|./suy

/**
 * Finds a statement's named parameters, its end and its kind. What stands in literals, quoted names and comments is
 * left alone; every other `:name` is a parameter, whether one was sent or not.
 *
 * Assumes MySQL's usual sql_mode: a backslash escapes in literals, `"` quotes a literal.
 */
export const scanStatement = (sql: string): ScannedStatement => {
  const names: string[] = []
  const words: string[] = []
  const text: string[] = []
  let copied = 0
  let ended = false
  let multiple = false
  let position = 0
  while (position < sql.length) {
    TOKEN.lastIndex = position
    const match = TOKEN.exec(sql)
    // The last alternative takes any character, so there is always a match.
    const { skip, name, end, word } = match?.groups ?? {}
    const next = position + (match?.[0].length ?? 1)
    if (name !== undefined) {
      text.push(sql.slice(copied, position), '?')
      copied = next
      names.push(name)
    } else if (end !== undefined && !ended) {
      text.push(sql.slice(copied, position))
      copied = next
      ended = true
      position = next
      continue
    } else if (word !== undefined && words.length < WORDS && !ended) {
      words.push(word.toUpperCase())
    }
    if (ended && skip === undefined) multiple = true
    position = next
  }
  text.push(sql.slice(copied))
  return { text: text.join(''), names, multiple, words }
}
