import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { ageFlag } from '../../conventions/flags.ts'

/** Where all of it stands, on one screen. */
export const status = defineCommand({
  name: 'status',
  summary: 'Shows where each entity stands, what holds it up, and what to type next.',
  flags: [
    { flags: '--watch', summary: 'again and again, until Ctrl-C or --for' },
    { flags: '--every <age>', summary: 'with --watch: how long between two (default: 5s)' },
    { flags: '--for <age>', summary: 'with --watch: end by itself after so long' },
  ],
  writes: false,
  examples: [
    'backsync status',
    'backsync status --watch',
    'backsync status --json',
    'backsync status --watch --for 10m --json',
  ],
  notes: [
    'A figure that can’t be asked for is "?", and it is said why: the others stand. Exit code 3 while something is for somebody to mend.',
    'It wakes a paused cluster, and --watch keeps it awake. Owners are counted of the first 100,000 rows. Lag is of the latest five of',
    'the last 15 minutes in which anything arrived, as CloudWatch has it; --json has a "schema", which rises when a member goes.',
  ].join('\n'),
  input: {
    arguments: z.tuple([]),
    options: z
      .object({
        watch: z.boolean().optional(),
        every: ageFlag('--every')
          .refine((ms) => ms >= 1_000, '--every is 1s at least')
          .optional(),
        for: ageFlag('--for').optional(),
      })
      .refine(
        ({ watch, every, for: length }) => watch === true || (every === undefined && length === undefined),
        '--every and --for go with --watch',
      ),
  },
  run: async (context, { options }) => (await import('./run-status.ts')).runStatus(context, options),
})
