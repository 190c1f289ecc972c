import { codePointsOf, type Encoded, isEncoded } from './encodings.ts'

/** Those that are told by a rule. */
type Ruled = 'utf8mb4' | 'utf8mb3' | 'latin1' | 'ascii' | 'ucs2' | 'utf16' | 'utf16le' | 'utf32'

/** The character sets of text columns that a definition can name. */
export type Charset = Ruled | Encoded

/** Where MySQL's latin1 differs from the first 256 code points: it is Windows-1252, but for the five that lacks. */
const IN_WINDOWS_1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ\u0081\u008d\u008f\u0090\u009d'

const isLatin = (code: number): boolean =>
  code < 0x80 || (code >= 0xa0 && code <= 0xff) || IN_WINDOWS_1252.includes(String.fromCodePoint(code))

const KEEPS: Readonly<Record<Ruled, (code: number) => boolean>> = {
  utf8mb4: () => true,
  utf8mb3: (code) => code <= 0xffff,
  latin1: (code) => code <= 0xffff && isLatin(code),
  ascii: (code) => code < 0x80,
  ucs2: (code) => code <= 0xffff,
  utf16: () => true,
  utf16le: () => true,
  utf32: () => true,
}

/** Whether a column of this character set holds each of a text's characters. */
export const holdsText = (charset: Charset, text: string): boolean => {
  if (charset === 'utf8mb4') return true
  const codes = codesOf(text)
  if (!isEncoded(charset)) return codes.every(KEEPS[charset])
  const widths = codePointsOf(charset)
  return codes.every((code) => widths.has(code))
}

export const isCharset = (name: string): name is Charset => Object.hasOwn(KEEPS, name) || isEncoded(name)

/** The bytes of a text in a column of this character set. */
export const bytesIn = (charset: Charset, text: string): number => {
  if (isEncoded(charset)) {
    const widths = codePointsOf(charset)
    return codesOf(text).reduce((sum, code) => sum + (widths.get(code) ?? 1), 0)
  }
  switch (charset) {
    case 'latin1':
    case 'ascii':
      return text.length
    case 'ucs2':
    case 'utf16':
    case 'utf16le':
      return text.length * 2
    case 'utf32':
      return codesOf(text).length * 4
    default:
      return Buffer.byteLength(text)
  }
}

const codesOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) ?? 0)
