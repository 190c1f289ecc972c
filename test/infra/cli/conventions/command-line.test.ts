import { execFileSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { commandLine } from '../../../../infra/cli/conventions/command-line.ts'

describe('the command to paste', () => {
  it('is the one that was called', () => {
    expect(
      commandLine(['copy', 'a', 'b', '--max-rate', '100', '--source-role', 'arn:aws:iam::1:role/x']),
    ).toBe('npx backsync copy a b --max-rate 100 --source-role arn:aws:iam::1:role/x')
  })

  it.each(["it's", 'two words', '$HOME', '', '`x`', 'a\nb', '*', '"', '\\'])(
    'hands %j to the shell as it is',
    (text) => {
      const line = commandLine(['parked', 'show', 'chef', text]).replace(/^npx backsync/, "printf '%s|'")
      expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })).toBe(`parked|show|chef|${text}|`)
    },
  )
})
