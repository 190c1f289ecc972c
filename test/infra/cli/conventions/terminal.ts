import { PassThrough } from 'node:stream'
import type { Io } from '../../../../infra/cli/conventions/io.ts'

/** What a command talks through, with what it said. */
export type FakeTerminal = {
  readonly io: Io
  readonly stdin: PassThrough
  stdout(): string
  stderr(): string
}

/** @param isTTY whether all three are a terminal */
export const fakeTerminal = (isTTY: boolean, env: NodeJS.ProcessEnv = {}): FakeTerminal => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY, columns: 100 }),
  )
  if (stdin === undefined || stdout === undefined || stderr === undefined)
    throw new TypeError('three streams')
  let [out, err] = ['', '']
  stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return { io: { stdin, stdout, stderr, env }, stdin, stdout: () => out, stderr: () => err }
}
