import { BridgeError } from '../model/errors.ts'

/** A text of SQL that can't be divided into statements, or would be divided otherwise than its author means. */
export class SqlTextError extends BridgeError {
  override readonly name = 'SqlTextError'
  readonly code = 'migrations.sql-text'
  readonly kind = 'configuration'

  /** Where, in characters from the beginning of the text. */
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** A part of a text, in characters: `from` belongs to it, `to` doesn't. */
export type Span = { readonly from: number; readonly to: number }

export type Scanned = {
  /**
   * The text, as long as before, in which nothing is left that could be taken for something else: comments are blank, and what stands in
   * quotes, backticks or comments with code is `x`.
   */
  readonly masked: string
  /** Comments that do nothing. */
  readonly comments: readonly Span[]
  readonly statements: readonly (Span & { readonly delimiter: string })[]
}

const QUOTED: Readonly<Record<string, RegExp>> = {
  "'": /'(?:[^'\\]|\\[\s\S]|'')*'/y,
  '"': /"(?:[^"\\]|\\[\s\S]|"")*"/y,
  '`': /`(?:[^`]|``)*`/y,
}
/** `--` begins a comment with a blank behind it only: `5--1` is 6. */
const LINE_COMMENT = /(?:#|--(?=[\s\p{Cc}]|$))[^\n]*/uy
const COMMENT = /\/\*[\s\S]*?\*\//y
/** What the server runs: by its version, of MariaDB alone, or as a hint for its optimizer. */
const CODE = /\/\*(?:M?!|\+)/y
const COMMAND = /(?<![\p{L}\p{N}_$])DELIMITER(?![\p{L}\p{N}_$])(?:[ \t]+(?<sign>\S+))?(?<rest>[^\n]*)/iuy
const FITS = /^(?!.*(?:--|\/\*))[^\p{L}\p{N}_\s'"`\\#]+$/u

const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/**
 * Reads a text of SQL as MySQL's own client does: quotes, comments, and the client's command DELIMITER.
 *
 * @throws SqlTextError where it ends inside a quote or a comment, or with another delimiter than `;`; for a delimiter that isn't made of
 *   signs, and one that is set in the middle of a statement
 */
export const scan = (text: string): Scanned => {
  const reader = new Reader(text)
  while (!reader.isAtEnd) reader.step()
  return reader.end()
}

class Reader {
  readonly #text: string
  readonly #comments: Span[] = []
  readonly #statements: (Span & { readonly delimiter: string })[] = []
  #masked = ''
  #at = 0
  #begin = 0
  #isEmpty = true
  #delimiter = { sign: ';', at: 0 }

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  step(): void {
    const text = this.#text
    const at = this.#at
    const sign = text.charAt(at)
    const quoted = QUOTED[sign]
    const comment = matchAt(LINE_COMMENT, text, at) ?? matchAt(COMMENT, text, at)
    if (text.startsWith(this.#delimiter.sign, at)) this.#close()
    else if (quoted !== undefined) this.#quote(sign, quoted)
    else if (matchAt(CODE, text, at) !== null) this.#code()
    else if (comment !== null) this.#comment(comment[0])
    else if (text.startsWith('/*', at))
      throw new SqlTextError('the file ends inside the comment that begins here', at)
    else if (matchAt(COMMAND, text, at) !== null) this.#command()
    else this.#take(sign, sign)
  }

  end(): Scanned {
    const { sign, at } = this.#delimiter
    if (sign !== ';')
      throw new SqlTextError(
        `the file ends with the delimiter ${sign}, which is set here: end it with a line DELIMITER ;`,
        at,
      )
    this.#record(this.#at)
    return { masked: this.#masked, comments: this.#comments, statements: this.#statements }
  }

  /** Adds so much of the text, as what is to be seen of it. */
  #take(part: string, seen: string): void {
    if (seen.trim() !== '') this.#isEmpty = false
    this.#masked += seen
    this.#at += part.length
  }

  #record(to: number): void {
    if (!this.#isEmpty) this.#statements.push({ from: this.#begin, to, delimiter: this.#delimiter.sign })
    this.#isEmpty = true
  }

  #close(): void {
    const { sign } = this.#delimiter
    this.#record(this.#at)
    this.#take(sign, sign)
    this.#begin = this.#at
    this.#isEmpty = true
  }

  #quote(sign: string, pattern: RegExp): void {
    const whole = matchAt(pattern, this.#text, this.#at)?.[0]
    if (whole === undefined)
      throw new SqlTextError(`the file ends inside the ${sign} that begins here`, this.#at)
    this.#take(whole, `${sign}${'x'.repeat(whole.length - 2)}${sign}`)
  }

  #comment(whole: string): void {
    this.#comments.push({ from: this.#at, to: this.#at + whole.length })
    this.#take(whole, whole.replaceAll(/[^\n]/g, ' '))
  }

  /** Its end may stand in quotes within it, which is none then. */
  #code(): void {
    const text = this.#text
    const from = this.#at
    let to = from + 3
    while (!text.startsWith('*/', to)) {
      if (to >= text.length) throw new SqlTextError('the file ends inside the comment that begins here', from)
      const quoted = QUOTED[text.charAt(to)]
      const whole = quoted === undefined ? undefined : matchAt(quoted, text, to)?.[0]
      to += whole?.length ?? 1
    }
    to += 2
    this.#take(text.slice(from, to), `/*!${'x'.repeat(to - from - 5)}*/`)
  }

  /** The client's command where a statement would begin; elsewhere a name, like any other. */
  #command(): void {
    const [whole = '', sign = '', rest = ''] = matchAt(COMMAND, this.#text, this.#at) ?? []
    const at = this.#at
    if (!this.#isEmpty) {
      const isAlone = /\n[ \t]*$/.test(this.#text.slice(this.#begin, at)) && rest.trim() === ''
      if (isAlone && FITS.test(sign))
        throw new SqlTextError('DELIMITER stands inside a statement: the one before it has no end', at)
      this.#take('DELIMITER', 'xxxxxxxxx')
      return
    }
    if (!FITS.test(sign))
      throw new SqlTextError(
        'DELIMITER needs a sign that is no letter, digit, quote, backslash or comment, as $$ or //',
        at,
      )
    if (!/^\s*(?:#.*|-- .*)?$/.test(rest))
      throw new SqlTextError('behind DELIMITER and its sign the line must end', at)
    this.#take(whole, whole.slice(0, whole.length - rest.length) + ' '.repeat(rest.length))
    this.#delimiter = { sign, at }
    this.#begin = this.#at
    this.#isEmpty = true
  }
}
