import { expect, it } from '@jest/globals'
import { runCommand } from '../../../../infra/local/processes/command.ts'

const node = (
  script: string,
  options: {
    input?: string
    withinMs?: number
    onLine?: (line: string) => void
    signal?: AbortSignal
  } = {},
) => runCommand(process.execPath, ['-e', script], { withinMs: 20_000, ...options })

it('returns the exit code and everything that was written', async () => {
  expect(await node(`console.log('a'); console.error('b'); process.exitCode = 3`)).toEqual({
    code: 3,
    output: 'a\nb',
  })
})

it('feeds the input and hands over each line', async () => {
  const lines: string[] = []

  await node(`process.stdin.pipe(process.stdout)`, {
    input: 'one\ntwo\nthree',
    onLine: (line) => lines.push(line),
  })

  expect(lines).toEqual(['one', 'two', 'three'])
})

it('judges a command that leaves its input unread by its exit code', async () => {
  expect(await node('process.exit(4)', { input: 'x'.repeat(4_000_000) })).toEqual({ code: 4, output: '' })
})

it('kills a command that takes too long', async () => {
  await expect(node('setInterval(() => {}, 1000)', { withinMs: 200 })).rejects.toMatchObject({
    code: 'process.command-failed',
    message: expect.stringContaining('did not end within 0.2 s'),
  })
})

it('names a command that does not exist', async () => {
  await expect(runCommand('/nowhere/at-all', [], { withinMs: 1_000 })).rejects.toMatchObject({
    code: 'process.command-failed',
    cause: { code: 'ENOENT' },
  })
})

it('ends a command that is not wanted any more', async () => {
  const wanted = new AbortController()
  const running = node(`console.log('on'); setInterval(() => {}, 1000)`, {
    onLine: () => wanted.abort(),
    signal: wanted.signal,
  })

  await expect(running).rejects.toMatchObject({ cause: { name: 'AbortError' } })
})
