import * as z from 'zod'
import { defineCommand } from '../conventions/command.ts'
import { CONCURRENCY, MAX_RATE, SEGMENTS } from '../conventions/flags.ts'

export const count = defineCommand({
  name: 'count',
  summary: 'Counts the items of a table, exactly, and shows what DynamoDB believes.',
  arguments: [{ name: '<table>', summary: 'one of the stack, such as users, or one in DynamoDB' }],
  flags: [MAX_RATE.flag, SEGMENTS.flag, CONCURRENCY.flag],
  writes: false,
  examples: [
    'backsync count users',
    'backsync count users-restored --max-rate 5000',
    'backsync count users --json',
  ],
  notes: [
    'A parallel scan reads all of the table, strongly consistent, and bills as such. Of a table that is written meanwhile',
    'the count is of no single moment.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.string()]),
    options: z.object({
      maxRate: MAX_RATE.value.optional(),
      segments: SEGMENTS.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
    }),
  },
  run: async (context, { args: [name], options }) =>
    (await import('./run-count.ts')).runCount(context, name, options),
})
