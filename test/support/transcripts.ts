import { delimiter, join, resolve } from 'node:path'
import { runCommand } from '../../infra/local/processes/command.ts'

/** One command of a page, and what the page says that it prints. */
export type Step = { readonly command: string; readonly expected: string }

/**
 * Reads the transcripts of a page: blocks with the mark, in which a line that begins with `$ ` is a command and what
 * follows, up to the next one, its output.
 *
 * @param page Markdown
 * @param mark what stands behind the block's backquotes @default console
 */
export const transcriptsOf = (page: string, mark = 'console'): readonly Step[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${mark}\\n(.*?)^\`\`\`$`, 'gms'))].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...output] = step.trimEnd().split('\n')
        return { command, expected: output.join('\n') }
      }),
  )

/** What differs from run to run, and what stands for it. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b/g, '<time>'],
  [/\b[0-9a-f]{32}\b/g, '<checksum>'],
  [/\b\d+(\.\d+)? (ms|s|min)\b/g, '<duration>'],
  [/\S+@\S+, process \d+/g, '<who>'],
  [/^the local stack in \S+,/gm, 'the local stack in <folder>,'],
  // How much of it the stream had brought before, and what DynamoDB believes of a young table.
  [/^(applied|skipped|deleted) +[\d,]+/gm, '$1 <number>'],
  [/^(estimate +).*$/gm, '$1<numbers>'],
  // What is long on a slow machine says how far it is, and what that took that was forecast.
  [/^[\d,]+ of about .*\n/gm, ''],
  [/ \(forecast by its first pages: .*\)$/gm, ''],
  [/[ \t]+/g, ' '],
]

/** A text without what differs from run to run. */
export const settled = (text: string): string =>
  VOLATILE.reduce((settling, [pattern, sign]) => settling.replace(pattern, sign), text).trim()

/** A stack that commands of a page are run on. */
type Place = {
  /** Where its API is; pages say localhost:3000. */
  readonly url: string
  /** Its data folder. */
  readonly home: string
  /** NODE_OPTIONS of the commands. @default none */
  readonly nodeOptions?: string
  /** @default a minute, in milliseconds */
  readonly withinMs?: number
}

/**
 * Runs a command of a page by a shell, as whoever reads it would. Only `npx` is passed over: it takes a second to find the launcher,
 * and that it finds it is a test of its own.
 *
 * @returns what it prints, both streams
 * @throws ProcessError when it takes too long
 */
export const runStep = async (command: string, place: Place): Promise<string> => {
  const { url, home, nodeOptions = '', withinMs = 60_000 } = place
  const typed = command
    .replaceAll('localhost:3000', new URL(url).host)
    .replaceAll(/\bnpx backsync\b/g, `node ${resolve('infra/cli/backsync.mjs')}`)
  const { output } = await runCommand('/bin/sh', ['-c', typed], {
    withinMs,
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptions,
      BACKSYNC_HOME: home,
      PATH: [join(resolve('node_modules'), '.bin'), process.env.PATH].join(delimiter),
    },
  })
  return output
}
