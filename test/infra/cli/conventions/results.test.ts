import { describe, expect, it } from '@jest/globals'
import {
  printFacts,
  printJson,
  printJsonLines,
  printTable,
} from '../../../../infra/cli/conventions/results.ts'
import { fakeTerminal } from './terminal.ts'

describe('results', () => {
  it('are a table in columns, capped, control characters shown', () => {
    const terminal = fakeTerminal(false)
    printTable(
      terminal.io,
      ['key', 'n'],
      [
        ['a\tb', '1'],
        ['👩‍🍳', '22'],
        ['c', '3'],
        ['d', '4'],
      ],
      3,
    )
    const lines = terminal.stdout().split('\n')
    expect(lines.slice(0, 2)).toEqual(['key       n', 'a\\u0009b  1'])
    expect(lines.slice(3)).toEqual(['c         3', 'and 1 more', ''])
  })

  it.each<[string, boolean, NodeJS.ProcessEnv, boolean]>([
    ['a terminal', true, {}, true],
    ['a terminal whose user wants none', true, { NO_COLOR: '1' }, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    ['a file', false, {}, false],
  ])('have bold heads on %s: %s', (_, isTTY, env, emphasised) => {
    const terminal = fakeTerminal(isTTY, env)
    printTable(terminal.io, ['key'], [['a']])
    printFacts(terminal.io, { key: 'a', absent: undefined })
    expect(terminal.stdout().includes('\u001b[1m')).toBe(emphasised)
    expect(terminal.stdout()).not.toContain('absent')
  })

  it('are JSON with every digit of a version', () => {
    const terminal = fakeTerminal(false)
    printJsonLines(terminal.io, [{ version: 2n ** 70n }, { text: 'two\nlines' }])
    printJson(terminal.io, { version: 1n })
    expect(terminal.stdout()).toBe(
      '{"version":"1180591620717411303424"}\n{"text":"two\\nlines"}\n{\n  "version": "1"\n}\n',
    )
  })
})
