import { Command as CommanderCommand, CommanderError } from 'commander'
import { resolveTarget } from '../target/resolve.ts'
import type { Command, CommandGroup } from './command.ts'
import { interrupted, usageError } from './errors.ts'
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit-codes.ts'
import { reportFailure } from './failure.ts'
import type { Io } from './io.ts'

/** Flags that every command has. */
type CommonOptions = {
  readonly json?: boolean
  readonly debug?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly stack?: string
  readonly profile?: string
  readonly region?: string
}

type Surroundings = { readonly io: Io; readonly interrupt: AbortSignal }

/**
 * Runs the command that the arguments name.
 *
 * @returns the exit code
 */
export const runProgram = async (
  args: readonly string[],
  groups: readonly CommandGroup[],
  { io, interrupt }: Surroundings,
): Promise<ExitCode> => {
  let code: ExitCode = EXIT.done
  const program = new CommanderCommand('backsync')
    .description('Operates a bridge from Aurora MySQL to DynamoDB, and back.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(`backsync: ${inOneLine(text)}; see --help\n`),
    })
    .addHelpText('after', `\n${STACKS_HELP}\n\n${EXIT_CODES_HELP}`)
  for (const group of groups) {
    const parent = program.command(group.name).description(group.summary)
    for (const command of group.commands)
      addCommand(parent, `backsync ${group.name}`, command, async (run) => {
        code = await run({ io, interrupt })
      })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    return reportFailure(io, error, args.includes('--debug'))
  }
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

/** `error: unknown option '--frob'\n(Did you mean ...?)` */
const inOneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')

const STACKS_HELP = `The stack that npm start runs is meant, unless --stack names a deployed one.`

type Run = (surroundings: Surroundings) => Promise<ExitCode>

const addCommand = (
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
  added
    .option('--json', 'print results as JSON')
    .option('--stack <name>', 'a deployed stack, by its name in CloudFormation')
    .option('--profile <name>', 'with --stack: the AWS profile to use')
    .option('--region <name>', 'with --stack: its region')
    .option('--debug', 'show stack traces and the log')
    .addHelpText('after', helpOf(command))
    .action(async () => {
      const options = added.opts<CommonOptions>()
      const prepared = command.prepare({ args: added.processedArgs, options })
      if ('problems' in prepared)
        throw usageError(prepared.problems.join('; '), `see ${path} ${command.name} --help`)
      await execute(async ({ io, interrupt }) => {
        const target = await unlessInterrupted(interrupt, resolveTarget(options, io.env))
        const running = prepared.run({
          io,
          interrupt,
          target,
          json: options.json === true,
          debug: options.debug === true,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        })
        // What writes ends where nothing is half done, and knows where that is.
        return command.writes ? running : unlessInterrupted(interrupt, running)
      })
    })
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
