import * as z from 'zod'
import type { Target } from '../target/target.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Io } from './io.ts'

/** What a command gets beside its own arguments and options. */
export type Context = {
  readonly io: Io
  /** Aborted by Ctrl-C: end where nothing is half done, and say how to go on. */
  readonly interrupt: AbortSignal
  /** The stack to work on; its clients' settings are in force. */
  readonly target: Target
  readonly json: boolean
  readonly debug: boolean
  /** Of a command that writes: show what would be done, and do nothing. */
  readonly dryRun: boolean
  /** Of a command that writes: it was confirmed beforehand. */
  readonly yes: boolean
  /** The command as it was called, to be pasted: how an interrupted job goes on. Without `--again`. */
  readonly goOn: string
}

export type Argument = { readonly name: string; readonly summary: string }
/** An option of commander's form, such as `--entity <name>`. */
export type Flag = { readonly flags: string; readonly summary: string }

/** One command: what it is called with, and what it does. */
export type CommandDefinition<A, O> = {
  readonly name: string
  readonly summary: string
  /** `<required>`, `[optional]`, `[several...]` */
  readonly arguments?: readonly Argument[]
  readonly flags?: readonly Flag[]
  /** Whether it changes anything: then it has `--dry-run` and `--yes`. */
  readonly writes: boolean
  /** Whether one that writes nothing of anybody's notes how far it is: interrupted, it goes on there. @default false */
  readonly goesOn?: boolean | undefined
  /**
   * What it works on: a stack, which must be there, or the files of this checkout; `either`: these, and a stack where `--schema` or
   * `--stack` asks for it. @default 'stack'
   */
  readonly on?: 'stack' | 'checkout' | 'either'
  /** Whole commands, without `npx`. */
  readonly examples: readonly string[]
  /** What is said below the options. */
  readonly notes?: string
  /** Check and name the arguments, as a tuple, and the options. */
  readonly input: { readonly arguments: z.ZodType<A>; readonly options: z.ZodType<O> }
  /**
   * What it needs of the bridge is imported when it runs: `--help` is not to wait for it.
   *
   * @throws CliError, BridgeError
   */
  run(context: Context, given: { readonly args: A; readonly options: O }): Promise<ExitCode>
}

/** A command whose input is checked when it runs. */
export type Command = Omit<CommandDefinition<unknown, unknown>, 'input' | 'run'> & {
  /**
   * Checks the input.
   *
   * @returns what runs it, or what is wrong with it
   */
  prepare(given: { readonly args: unknown; readonly options: unknown }): Prepared
}
export type Prepared =
  | { readonly run: (context: Context) => Promise<ExitCode> }
  | { readonly problems: readonly string[] }

/** Commands that belong together: `backsync parked list`. */
export type CommandGroup = {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Command[]
}

/** What stands behind `backsync`: a command, or a group of them. */
export type Entry = Command | CommandGroup

/** Completes a command: one file each, and a place in its group's list. */
export const defineCommand = <A, O>(definition: CommandDefinition<A, O>): Command => ({
  ...definition,
  prepare: ({ args, options }) => {
    const given = z
      .object({ args: definition.input.arguments, options: definition.input.options })
      .safeParse({ args, options })
    return given.success
      ? { run: (context) => definition.run(context, given.data) }
      : { problems: given.error.issues.map(({ message }) => message) }
  },
})
