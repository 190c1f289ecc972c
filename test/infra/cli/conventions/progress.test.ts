import { describe, expect, it } from '@jest/globals'
import { Progress, type ProgressOptions } from '../../../../infra/cli/conventions/progress.ts'
import { fakeTerminal } from './terminal.ts'

/** A progress of 1,000 keys, unless told otherwise, with a clock of its own. */
const begin = (
  isTTY: boolean,
  options: Omit<ProgressOptions, 'now'> = { total: 1000 },
  env: NodeJS.ProcessEnv = {},
) => {
  const terminal = fakeTerminal(isTTY, env)
  let now = 0
  const progress = new Progress(terminal.io, 'keys', { ...options, now: () => now })
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
      '200 of 1,000 keys (20 %), 100/s, 8 s left\n400 of 1,000 keys (40 %), 100/s, 6 s left\n',
    )
  })

  it('is a bar on a terminal, and leaves a line of its own', () => {
    const { terminal, progress, advance } = begin(true)
    advance(5, 2_000)
    advance(495, 4_000)
    progress.end()

    expect(terminal.stderr()).toMatch(/#{12}-{12} 500 of 1,000 keys \(50 %\), 125\/s, 4 s left/)
    expect(terminal.stderr().endsWith('\n')).toBe(true)
    expect(terminal.stdout()).toBe('')
  })

  it('knows no time left before anything is done', () => {
    const { terminal, advance } = begin(false)
    advance(0, 2_000)
    expect(terminal.stderr()).toBe('0 of 1,000 keys (0 %), 0/s\n')
  })

  it.each<[string, Omit<ProgressOptions, 'now'>]>([
    ['nobody knows how many there are', {}],
    ['the table is said to be empty', { total: 0, estimated: true }],
    ['there are more than the estimate said', { total: 12_000, estimated: true }],
  ])('tells what is done and the rate where %s', (_, options) => {
    for (const isTTY of [false, true]) {
      const { terminal, progress, advance } = begin(isTTY, options)
      advance(12_345, 5_000)
      progress.end()
      expect(terminal.stderr()).toContain('12,345 keys, 2,469/s')
      expect(terminal.stderr()).not.toMatch(/left|%|#|-/)
    }
  })

  it('says that an estimate is one, and the time left in minutes', () => {
    const { terminal, advance } = begin(false, { total: 50_000, estimated: true })
    advance(1_000, 4_000)
    expect(terminal.stderr()).toBe('1,000 of about 50,000 keys (2 %), 250/s, 3 m 16 s left\n')
  })

  it('counts what an earlier run has done, and not for the rate', () => {
    const { terminal, progress, advance } = begin(false, { total: 1000, before: 600 })
    advance(100, 2_000)
    expect(terminal.stderr()).toBe('700 of 1,000 keys (70 %), 50/s, 6 s left\n')
    expect(progress.done).toBe(700)
  })

  it('says why it takes its time', () => {
    const { terminal, advance } = begin(false, { total: 1000, note: () => 'DynamoDB throttles' })
    advance(500, 2_000)
    expect(terminal.stderr()).toBe('500 of 1,000 keys (50 %), 250/s, 2 s left (DynamoDB throttles)\n')
  })

  it('knows that all is done', () => {
    const { terminal, advance } = begin(false)
    advance(1000, 2_000)
    expect(terminal.stderr()).toBe('1,000 of 1,000 keys (100 %), 500/s\n')
  })

  it('is plain lines on a terminal that can write no line anew', () => {
    const { terminal, advance } = begin(true, { total: 1000 }, { TERM: 'dumb' })
    advance(500, 2_000)
    expect(terminal.stderr()).toBe('500 of 1,000 keys (50 %), 250/s, 2 s left\n')
  })

  it('has no colour, whoever asks for none', () => {
    const { terminal, progress, advance } = begin(true, { total: 1000 }, { NO_COLOR: '1' })
    advance(500, 2_000)
    progress.end()
    // Moving the cursor is how a bar is drawn; colours end with m.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(terminal.stderr()).not.toMatch(/\u001b\[[0-9;]*m/)
  })
})
