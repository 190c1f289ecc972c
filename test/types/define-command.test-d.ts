// Checked by tsc and never run: an expected error that doesn't come is an error.
import * as z from 'zod'
import {
  type Command,
  type CommandDefinition,
  type Context,
  defineCommand,
} from '../../infra/cli/conventions/command.ts'
import { isTrue, type Same } from './same.ts'

const input = {
  arguments: z.tuple([z.string(), z.coerce.number()]),
  options: z.object({ limit: z.coerce.number().default(10), entity: z.string().optional() }),
}
const about = { name: 'look', summary: 'looks', writes: false, examples: ['backsync look chef 1'] }

const look = defineCommand({
  ...about,
  input,
  run: async (context, { args, options }) => {
    // Both come as the schemas make them: checked, converted, with defaults.
    isTrue<Same<typeof context, Context>>()
    isTrue<Same<typeof args, [string, number]>>()
    isTrue<Same<typeof options, { limit: number; entity?: string | undefined }>>()
    return 0
  },
})
isTrue<Same<typeof look, Command>>()
isTrue<Same<Parameters<Command['prepare']>[0]['options'], unknown>>()
// Nobody who has a command can run it with input that wasn't checked.
isTrue<Same<'run' extends keyof Command ? true : false, false>>()
isTrue<Same<'input' extends keyof Command ? true : false, false>>()

// @ts-expect-error it says whether it writes: dry runs and questions depend on that
defineCommand({ name: 'look', summary: 'looks', examples: [], input, run: async () => 0 })
// @ts-expect-error options are checked as well
defineCommand({ ...about, input: { arguments: input.arguments }, run: async () => 0 })
// @ts-expect-error it ends with an exit code
defineCommand({ ...about, input, run: async () => {} })
// @ts-expect-error of those that there are
defineCommand({ ...about, input, run: async () => 77 })
// @ts-expect-error at its end
defineCommand({ ...about, input, run: () => 0 })
// @ts-expect-error there is no third argument
defineCommand({ ...about, input, run: async (_, { args }) => args[2] ?? 0 })
// @ts-expect-error an option that may be missing is not to be used as if it were there
defineCommand({ ...about, input, run: async (_, { options }) => (options.entity.length > 0 ? 0 : 1) })
// @ts-expect-error nor one that it doesn't have
defineCommand({ ...about, input, run: async (_, { options }) => (options.rate ? 0 : 1) })
// @ts-expect-error examples are whole commands
defineCommand({ ...about, examples: [['backsync', 'look']], input, run: async () => 0 })
// @ts-expect-error a schema, not its type
defineCommand({ ...about, input: { ...input, options: { limit: 1 } }, run: async () => 0 })

type Taken = CommandDefinition<readonly [string], { readonly all: boolean }>
isTrue<Same<Parameters<Taken['run']>[1]['args'], readonly [string]>>()
