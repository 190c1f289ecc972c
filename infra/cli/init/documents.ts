const BEGIN = '<!-- sample:begin -->'
const END = '<!-- sample:end -->'

/** What a document says of the sample stands between two marks, each on a line of its own. */
const BLOCK = new RegExp(`^${BEGIN}\n(?:(?!${BEGIN})[\\s\\S])*?^${END}\n`, 'gm')

/**
 * A document without what it says of the sample.
 *
 * @param instead what stands in the place of the first such part
 * @returns undefined when a mark is missing
 */
export const withoutSampleParts = (text: string, instead = ''): string | undefined => {
  let first = true
  const left = text.replaceAll(BLOCK, () => {
    const put = first ? instead : ''
    first = false
    return put
  })
  return left.includes(BEGIN) || left.includes(END) ? undefined : left
}
