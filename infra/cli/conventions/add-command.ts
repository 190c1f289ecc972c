import type { Command as CommanderCommand } from 'commander'
import { checkoutTarget } from '../target/checkout.ts'
import { resolveTarget } from '../target/resolve.ts'
import type { Command } from './command.ts'
import { interrupted, usageError } from './errors.ts'
import { EXIT_CODES_HELP, type ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'

/** Flags that every command has. */
type CommonOptions = {
  readonly json?: boolean
  readonly debug?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly stack?: string
  /** Of a command that works on either. */
  readonly schema?: boolean
  readonly profile?: string
  readonly region?: string
}

export type Surroundings = { readonly io: Io; readonly interrupt: AbortSignal; readonly goOn: string }
type Run = (surroundings: Surroundings) => Promise<ExitCode>

/**
 * Gives a command its place, its flags and its help.
 *
 * @param path what is typed before its name
 * @param execute gets what the command does, once its input is checked
 */
export const addCommand = (
  parent: CommanderCommand,
  path: string,
  command: Command,
  execute: (run: Run) => Promise<void>,
): void => {
  const added = parent.command(command.name).description(command.summary)
  for (const { name, summary } of command.arguments ?? []) added.argument(name, summary)
  for (const { flags, summary } of command.flags ?? []) added.option(flags, summary)
  if (command.writes)
    added
      .option('--dry-run', 'show what would be done, and do nothing')
      .option('--yes', "don't ask: for scripts")
  const { on = 'stack' } = command
  added.option('--json', 'print results as JSON')
  if (on !== 'checkout')
    added
      .option('--stack <name>', 'a deployed stack, by its name in CloudFormation')
      .option('--profile <name>', 'with --stack: the AWS profile to use')
      .option('--region <name>', 'with --stack: its region')
  added
    .option('--debug', 'show stack traces and the log')
    .addHelpText('after', helpOf(command))
    .action(async () => {
      const options = added.opts<CommonOptions>()
      const prepared = command.prepare({ args: added.processedArgs, options })
      if ('problems' in prepared)
        throw usageError(prepared.problems.join('; '), `see ${path} ${command.name} --help`)
      await execute(async ({ io, interrupt, goOn }) => {
        const target =
          on === 'checkout' || (on === 'either' && options.schema !== true && options.stack === undefined)
            ? checkoutTarget
            : await unlessInterrupted(interrupt, resolveTarget(options, io.env))
        const running = prepared.run({
          io,
          interrupt,
          target,
          goOn,
          json: options.json === true,
          debug: options.debug === true,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        })
        // What writes, or notes how far it is, ends where nothing is half done, and knows where that is.
        return command.writes || command.goesOn === true
          ? unlessAborted(interrupt, running, goOn)
          : unlessInterrupted(interrupt, running)
      })
    })
}

/** What only reads may end anywhere: it is not waited for. */
const unlessInterrupted = async <T>(interrupt: AbortSignal, work: Promise<T>): Promise<T> => {
  let stop = (): void => {}
  const asked = new Promise<never>((_, fail) => {
    stop = () => fail(interrupted('interrupted', 'nothing was changed'))
    interrupt.addEventListener('abort', stop)
    if (interrupt.aborted) stop()
  })
  try {
    return await Promise.race([work, asked])
  } finally {
    interrupt.removeEventListener('abort', stop)
  }
}

/** What writes may be interrupted while it still reads. */
const unlessAborted = async <T>(interrupt: AbortSignal, work: Promise<T>, goOn: string): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (interrupt.aborted && error === interrupt.reason)
      throw interrupted('interrupted', `go on with: ${goOn}`)
    throw error
  }
}

const helpOf = ({ examples, notes }: Command): string =>
  [
    ...(notes === undefined ? [] : ['', notes]),
    '',
    'Examples:',
    ...examples.map((example) => `  npx ${example}`),
    '',
    EXIT_CODES_HELP,
  ].join('\n')
