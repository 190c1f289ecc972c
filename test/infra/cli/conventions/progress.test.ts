import { describe, expect, it } from '@jest/globals'
import { Progress } from '../../../../infra/cli/conventions/progress.ts'
import { fakeTerminal } from './terminal.ts'

/** A progress of 1,000 keys with a clock of its own. */
const begin = (isTTY: boolean) => {
  const terminal = fakeTerminal(isTTY)
  let now = 0
  const progress = new Progress(terminal.io, 'keys', 1000, () => now)
  const advance = (more: number, at: number): void => {
    now = at
    progress.advance(more)
  }
  return { terminal, progress, advance }
}

describe('progress', () => {
  it.each([true, false])('of what is done within two seconds is not shown (terminal: %s)', (isTTY) => {
    const { terminal, progress, advance } = begin(isTTY)
    advance(500, 1_000)
    advance(500, 1_999)
    progress.end()

    expect(terminal.stderr()).toBe('')
  })

  it('is a line every two seconds where there is no terminal, with rate and time left', () => {
    const { terminal, progress, advance } = begin(false)
    advance(100, 1_000)
    advance(100, 2_000)
    advance(100, 3_000)
    advance(100, 4_000)
    progress.end()

    expect(terminal.stderr()).toBe(
      '200 of 1000 keys (20 %), 100/s, 8 s left\n400 of 1000 keys (40 %), 100/s, 6 s left\n',
    )
  })

  it('is a bar on a terminal, and leaves a line of its own', () => {
    const { terminal, progress, advance } = begin(true)
    advance(5, 2_000)
    advance(495, 4_000)
    progress.end()

    expect(terminal.stderr()).toMatch(/#{12}-{12} 500 of 1000 keys \(50 %\), 125\/s, 4 s left/)
    expect(terminal.stderr().endsWith('\n')).toBe(true)
    expect(terminal.stdout()).toBe('')
  })

  it('knows no time left before anything is done', () => {
    const { terminal, advance } = begin(false)
    advance(0, 2_000)
    expect(terminal.stderr()).toBe('0 of 1000 keys (0 %), 0.0/s\n')
  })
})
