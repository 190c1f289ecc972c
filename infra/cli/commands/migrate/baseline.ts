import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER, TO } from './input.ts'

export const baseline = defineCommand({
  name: 'baseline',
  summary: 'Records migrations as applied that the database had before Backsync came; sends none of them.',
  flags: [
    TO.flag,
    { flags: '--why <text>', summary: 'by what you know; it is recorded, with who you are' },
    FOLDER.flag,
  ],
  writes: true,
  examples: ['backsync migrate baseline --to 12 --why made-by-the-former-tool'],
  notes:
    "Of the team's only: the bridge's own are applied as ever. What is applied already stays as it is recorded.",
  input: {
    arguments: z.tuple([]),
    options: z.object({
      to: z.string({ error: 'say up to which number, with --to 12' }).pipe(TO.value),
      why: z
        .string({ error: "say by what you know it, with --why 'made by the former tool'" })
        .trim()
        .min(1, '--why is empty')
        .max(1_000, '--why has more than 1,000 characters'),
      folder: FOLDER.value,
    }),
  },
  run: async (context, { options }) => (await import('./run-baseline.ts')).runBaseline(context, options),
})
