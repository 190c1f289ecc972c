import { describe, expect, it } from '@jest/globals'
import { withoutSampleParts } from '../../../../infra/cli/init/documents.ts'

const BEGIN = '<!-- sample:begin -->\n'
const END = '<!-- sample:end -->\n'

describe('a document without the sample', () => {
  it('has something else in the place of its first part, and nothing in those of others', () => {
    const text = `a\n${BEGIN}b\n${END}c\n${BEGIN}d\n${END}e\n`
    expect(withoutSampleParts(text, 'X\n')).toBe('a\nX\nc\ne\n')
    expect(withoutSampleParts(text)).toBe('a\nc\ne\n')
  })

  it('stays as it is without marks', () => {
    expect(withoutSampleParts('a\n', 'X\n')).toBe('a\n')
  })

  it.each([`a\n${BEGIN}b\n`, `a\n${END}b\n`, `${END}a\n${BEGIN}`, `${BEGIN}a\n${BEGIN}b\n${END}`])(
    'is none where a mark stands alone: %j',
    (text) => {
      expect(withoutSampleParts(text)).toBeUndefined()
    },
  )
})
