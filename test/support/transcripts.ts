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
