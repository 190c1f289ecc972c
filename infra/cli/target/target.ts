import { CliError } from '../conventions/errors.ts'

/** A stack that commands work on: the local one or a deployed one, told apart by nothing else than this. */
export type Target = {
  /** `local`, or the stack's name in CloudFormation: what an operator types to confirm. */
  readonly name: string
  /** For messages: which stack, and where. */
  readonly description: string
  /** The template's outputs. */
  readonly outputs: Readonly<Record<string, string>>
  /** Where the database itself can be reached, as `host:port`, where that is known. */
  readonly direct?: string
}

/** An output of the stack. @throws CliError when the stack has none of this name */
export const outputOf = ({ outputs, description }: Target, name: string): string => {
  const value = outputs[name]
  if (value !== undefined) return value
  throw new CliError({
    code: 'target.incomplete',
    message: `${description} has no output ${name}`,
    hint: 'it was made by another version: deploy (or start) this one',
  })
}
