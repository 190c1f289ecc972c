/*
 * Which characters a column's character set has, by an encoding of the platform's that is nearly the same. Where the server has
 * less the difference is named here; where it has more, as control characters, those are refused.
 */

type Encoding = {
  /** As the WHATWG names it. */
  readonly label: string
  /** The code points of it that the server's character set lacks, in hexadecimal, with ranges. */
  readonly lacks?: string
}

const ENCODINGS = {
  latin2: { label: 'iso-8859-2' },
  latin5: {
    label: 'windows-1254',
    lacks:
      '152-153 160-161 178 192 2c6 2dc 2013-2014 2018-201a 201c-201e 2020-2022 2026 2030 2039-203a 20ac 2122',
  },
  latin7: { label: 'iso-8859-13' },
  cp1250: { label: 'windows-1250', lacks: '81 83 88 90 98' },
  cp1251: { label: 'windows-1251', lacks: '98' },
  cp1256: { label: 'windows-1256', lacks: '679 688 691 6a9 6ba 6be 6c1 6d2' },
  cp1257: { label: 'windows-1257', lacks: '81 83 88 8a 8c 90 98 9a 9c 9f' },
  cp866: { label: 'ibm866', lacks: 'a4 2116' },
  greek: { label: 'iso-8859-7', lacks: '37a 2018-2019 20ac 20af' },
  hebrew: { label: 'iso-8859-8', lacks: 'af' },
  koi8r: { label: 'koi8-r' },
  koi8u: { label: 'koi8-u', lacks: '40e 45e 2219' },
  cp932: { label: 'shift_jis' },
  gbk: {
    label: 'gbk',
    lacks:
      '1f9 1e3f 20ac 2e81 2e84 2e88 2e8b-2e8c 2e97 2ea7 2eaa 2eae 2eb3 2eb6-2eb7 2ebb 2eca 2ff0-2ffb 303e 3447 3473 359e 360e 361a ' +
      '3918 396e 39cf-39d0 39df 3a73 3b4e 3c6e 3ce0 4056 415f 4337 43ac 43b1 43dd 44d6 464c 4661 4723 4729 477c 478d 4947 ' +
      '497a 497d 4982-4983 4985-4986 499b 499f 49b6-49b7 4c77 4c9f-4ca3 4d13-4d19 4dae 9fb4-9fbb fe10-fe19 e000-f8ff',
  },
  euckr: { label: 'euc-kr', lacks: '80-9f e000-e0bb' },
} satisfies Readonly<Record<string, Encoding>>

export type Encoded = keyof typeof ENCODINGS

export const isEncoded = (name: string): name is Encoded => Object.hasOwn(ENCODINGS, name)

/** Those that there are, so that a test can ask a server about each. */
export const encodedCharsets = Object.keys(ENCODINGS).filter(isEncoded)

const known = new Map<Encoded, ReadonlyMap<number, number>>()

/** The code points that a character set has, each with the bytes that it takes there. Found out once, in some milliseconds. */
export const codePointsOf = (charset: Encoded): ReadonlyMap<number, number> => {
  const before = known.get(charset)
  if (before !== undefined) return before
  const encoding: Encoding = ENCODINGS[charset]
  const widths = decodeAll(encoding.label)
  for (const code of rangesOf(encoding.lacks ?? '')) widths.delete(code)
  known.set(charset, widths)
  return widths
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte)

/** Every character of an encoding of one or two bytes. */
const decodeAll = (label: string): Map<number, number> => {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  const widths = new Map<number, number>()
  const isCharacter = (...bytes: number[]): boolean => {
    const decoded = decodeOne((some) => decoder.decode(some), bytes)
    if (decoded === undefined) return false
    if (!widths.has(decoded)) widths.set(decoded, bytes.length)
    return true
  }
  const leads = BYTES.filter((byte) => !isCharacter(byte))
  for (const lead of leads) for (const trail of BYTES) isCharacter(lead, trail)
  return widths
}

type Decode = (bytes: Uint8Array) => string

/** @returns undefined for bytes that are not one character */
const decodeOne = (decode: Decode, bytes: readonly number[]): number | undefined => {
  try {
    const [character, ...more] = decode(Uint8Array.from(bytes))
    return more.length > 0 ? undefined : character?.codePointAt(0)
  } catch {
    return undefined
  }
}

const rangesOf = (text: string): number[] =>
  text
    .split(' ')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map((code) => Number.parseInt(code, 16))
      return Array.from({ length: last - first + 1 }, (_, at) => first + at)
    })
