import { Command as CommanderCommand, CommanderError } from 'commander'
import { addCommand, type Surroundings } from './add-command.ts'
import type { Command, Entry } from './command.ts'
import { commandLine } from './command-line.ts'
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit-codes.ts'
import { reportFailure } from './failure.ts'
import { AGAIN } from './flags.ts'

const STACKS_HELP = `The stack that npm start runs is meant, unless --stack names a deployed one.`

/**
 * Runs the command that the arguments name.
 *
 * @returns the exit code
 */
export const runProgram = async (
  args: readonly string[],
  entries: readonly Entry[],
  { io, interrupt }: Pick<Surroundings, 'io' | 'interrupt'>,
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
  const add = (parent: CommanderCommand, path: string, command: Command): void =>
    addCommand(parent, path, command, async (run) => {
      code = await run({ io, interrupt, goOn: commandLine(args, [AGAIN]) })
    })
  for (const entry of entries) {
    if ('commands' in entry) {
      const group = program.command(entry.name).description(entry.summary)
      for (const command of entry.commands) add(group, `backsync ${entry.name}`, command)
    } else add(program, 'backsync', entry)
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    return reportFailure(io, error, args.includes('--debug'))
  }
}

/** `error: unknown option '--frob'\n(Did you mean ...?)` */
const inOneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
