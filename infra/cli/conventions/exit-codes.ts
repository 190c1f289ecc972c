/** What a command's exit code says, the same for every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  differences: 3,
  refused: 4,
  busy: 5,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** As the help shows them. */
export const EXIT_CODES_HELP = [
  'Exit codes:',
  '  0    done',
  '  1    failed',
  '  2    wrong usage',
  '  3    done, and there are differences, or something is left',
  '  4    refused: not confirmed, or a gate is closed',
  '  5    busy: somebody else is at it',
  '  130  interrupted; nothing is half done, and the last line says how to go on',
].join('\n')
