import { describe, expect, it } from '@jest/globals'
import { confirm } from '../../../../infra/cli/conventions/confirm.ts'
import { until } from '../../../support/until.ts'
import { fakeTerminal } from './terminal.ts'

const asking = (signal = new AbortController().signal, yes = false) => ({
  what: 'Emptying the table',
  expected: 'Backsync-prod',
  yes,
  signal,
})

describe('a confirmation', () => {
  it.each(['Backsync-prod', '  Backsync-prod '])('takes the name, typed as %j', async (answer) => {
    const terminal = fakeTerminal(true)
    const confirmed = confirm(terminal.io, asking())
    await until('the question', 5_000, () => terminal.stderr().includes('Type Backsync-prod to go on: '))
    terminal.stdin.write(`${answer}\n`)

    await expect(confirmed).resolves.toBeUndefined()
    // The question is no result.
    expect(terminal.stdout()).toBe('')
  })

  it.each(['yes', 'backsync-prod', ''])('refuses anything else, such as %j', async (answer) => {
    const terminal = fakeTerminal(true)
    const confirmed = confirm(terminal.io, asking())
    terminal.stdin.write(`${answer}\n`)

    await expect(confirmed).rejects.toMatchObject({ code: 'cli.not-confirmed', exit: 4 })
  })

  it('asks nothing after --yes', async () => {
    const terminal = fakeTerminal(false)
    await expect(confirm(terminal.io, asking(undefined, true))).resolves.toBeUndefined()
    expect(terminal.stderr()).toBe('')
  })

  it('refuses without a terminal, and asks nothing', async () => {
    const terminal = fakeTerminal(false)
    await expect(confirm(terminal.io, asking())).rejects.toMatchObject({
      exit: 4,
      hint: expect.stringContaining('--yes'),
    })
    expect(terminal.stderr()).toBe('')
  })

  it('ends at Ctrl-C', async () => {
    const terminal = fakeTerminal(true)
    const interrupt = new AbortController()
    const confirmed = confirm(terminal.io, asking(interrupt.signal))
    interrupt.abort()

    await expect(confirmed).rejects.toMatchObject({ exit: 130, hint: 'nothing was changed' })
    // What follows has a line of its own.
    expect(terminal.stderr().endsWith('\n')).toBe(true)
  })

  it('ends at Ctrl-C that the terminal hands over as a key', async () => {
    const terminal = fakeTerminal(true)
    const confirmed = confirm(terminal.io, asking())
    await until('the question', 5_000, () => terminal.stderr().includes('to go on: '))
    terminal.stdin.write('\u0003')

    await expect(confirmed).rejects.toMatchObject({ exit: 130 })
  })

  it('is refused when nobody answers', async () => {
    const terminal = fakeTerminal(true)
    await expect(confirm(terminal.io, { ...asking(), patience: 1 })).rejects.toMatchObject({
      exit: 4,
      message: 'not confirmed: nobody answered',
    })
  })
})
