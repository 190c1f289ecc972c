/** The character sets of text columns that a definition can name. */
export type Charset = 'utf8mb4' | 'utf8mb3' | 'latin1' | 'ascii'

/** Where MySQL's latin1 differs from the first 256 code points: it is Windows-1252, but for the five that lacks. */
const IN_WINDOWS_1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ\u0081\u008d\u008f\u0090\u009d'

const isLatin = (code: number): boolean =>
  code < 0x80 || (code >= 0xa0 && code <= 0xff) || IN_WINDOWS_1252.includes(String.fromCodePoint(code))

const KEEPS: Readonly<Record<Charset, (code: number) => boolean>> = {
  utf8mb4: () => true,
  utf8mb3: (code) => code <= 0xffff,
  latin1: (code) => code <= 0xffff && isLatin(code),
  ascii: (code) => code < 0x80,
}

/** Whether a column of this character set holds each of a text's characters. */
export const holdsText = (charset: Charset, text: string): boolean =>
  charset === 'utf8mb4' || [...text].every((character) => KEEPS[charset](character.codePointAt(0) ?? 0))

export const isCharset = (name: string): name is Charset => Object.hasOwn(KEEPS, name)

/** The bytes of a text in a column of this character set. */
export const bytesIn = (charset: Charset, text: string): number =>
  charset === 'latin1' || charset === 'ascii' ? text.length : Buffer.byteLength(text)
