import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER } from './input.ts'

const statement = z.string().transform((text, context): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no number of a statement, as 2` })
  return z.NEVER
})

export const repair = defineCommand({
  name: 'repair',
  summary:
    'Shows what can be told of a statement whose outcome nobody knows, and records what you have found out.',
  arguments: [
    { name: '[migration]', summary: 'such as 0003_adopt_chefs (default: all that wait for an answer)' },
    { name: '[statement]', summary: 'its number in the file, from 1 on' },
  ],
  flags: [
    { flags: '--done', summary: 'it is done: the next run goes on behind it' },
    { flags: '--not-done', summary: 'it is not: the next run sends it again' },
    { flags: '--why <text>', summary: 'by what you know; it is recorded, with who you are' },
    FOLDER.flag,
  ],
  writes: true,
  examples: [
    'backsync migrate repair',
    'backsync migrate repair 0003_adopt_chefs 2',
    'backsync migrate repair 0003_adopt_chefs 2 --done --why key-is-there',
  ],
  notes: [
    'Also for a statement that was run past Backsync, in a client of your own: the next one of its migration may be said to be done.',
    'Exit code 3 while an answer is waited for.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.string().optional(), statement.optional()]),
    options: z
      .object({
        done: z.boolean().optional(),
        notDone: z.boolean().optional(),
        why: z
          .string()
          .trim()
          .min(1, '--why is empty')
          .max(1_000, '--why has more than 1,000 characters')
          .optional(),
        folder: FOLDER.value,
      })
      .refine(({ done, notDone }) => !(done && notDone), 'it is either --done or --not-done')
      .refine(
        ({ done, notDone, why }) => why !== undefined || !(done || notDone),
        "say by what you know it, with --why 'the key is there'",
      ),
  },
  run: async (context, { args: [migration, at], options }) =>
    (await import('./run-repair.ts')).runRepair(context, { migration, statement: at }, options),
})
