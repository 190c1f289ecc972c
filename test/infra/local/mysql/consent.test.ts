import { PassThrough } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { askConsent, noConsent } from '../../../../infra/local/mysql/consent.ts'

const changes = {
  host: 'db.example',
  port: 3307,
  user: 'ann',
  databases: ['shop'],
  changes: ['create the database shop', 'apply the migrations 0001_a, 0002_b'],
}
const told = `MYSQL_URL: database shop at db.example:3307, as ann. This start would

  - create the database shop
  - apply the migrations 0001_a, 0002_b`

/** A person at a terminal; without `types`, one who doesn't answer. */
const asked = ({ types, isTTY = true, yes = false }: { types?: string; isTTY?: boolean; yes?: boolean }) => {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  const stop = new AbortController()
  const answer = askConsent(changes, { yes, input, output, signal: stop.signal })
  if (types !== undefined) input.write(types)
  const printed = (): string => String(output.read() ?? '')
  return { answer, printed, input, stop }
}

describe('the question before a server of MYSQL_URL is changed', () => {
  it.each(['y\n', 'Y\n', 'yes\n', ' Yes \n'])('takes %j as agreement', async (types) => {
    const { answer, printed } = asked({ types })

    await expect(answer).resolves.toBeUndefined()
    const text = printed()
    expect(text.slice(0, told.length)).toBe(told)
    expect(text).toContain('Go on? [y/N] ')
  })

  it.each(['n\n', '\n', 'yesterday\n', 'ye\n'])('takes %j as none', async (types) => {
    await expect(asked({ types }).answer).rejects.toMatchObject({
      code: 'mysql.declined',
      message: 'Not agreed to: nothing was changed.',
    })
  })

  it.each([
    ['Ctrl-C', (input: PassThrough) => input.write('\u0003')],
    ['the end of the input', (input: PassThrough) => input.end()],
  ])('takes %s as none', async (_, act) => {
    const { answer, input } = asked({})
    act(input)

    await expect(answer).rejects.toMatchObject({ code: 'mysql.declined' })
  })

  it('ends when the start is given up', async () => {
    const { answer, stop } = asked({})
    stop.abort()

    await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('is not asked where it was agreed to beforehand; what is done is said', async () => {
    const { answer, printed } = asked({ yes: true, isTTY: false })

    await expect(answer).resolves.toBeUndefined()
    expect(printed()).toBe(`${told}\n`)
  })

  it('is refused without a terminal, with what to type', async () => {
    await expect(asked({ isTTY: false, types: 'y\n' }).answer).rejects.toMatchObject({
      code: 'mysql.cannot-ask',
      message: expect.stringMatching(/0002_b\n\nThere is no terminal .*:\n\n {2}npm start -- --yes$/s),
    })
  })

  it('is refused where nobody was given to ask', async () => {
    await expect(noConsent(changes)).rejects.toMatchObject({
      code: 'mysql.cannot-ask',
      message: expect.stringContaining(told),
    })
  })
})
