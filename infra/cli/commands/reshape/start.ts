import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'
import { projectionName } from '../tables/input.ts'

export const start = defineCommand({
  name: 'start',
  summary: 'Fills a new table with the items that its source has already.',
  arguments: [{ name: '<table>', summary: 'the new table, such as user-preferences-v2' }],
  flags: [
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'fill anew what is filled or interrupted, and reopen what is finished' },
  ],
  writes: true,
  examples: [
    'backsync reshape start user-preferences-v2 --dry-run',
    'backsync reshape start user-preferences-v2',
    'backsync reshape start user-preferences-v2 --max-rate 500',
  ],
  notes: [
    'The stream keeps the table from the day that it is deployed; this brings in what was there before, beside it and',
    'under the same guard: it may take days. Interrupted, the same command goes on where it stopped.',
  ].join('\n'),
  input: {
    arguments: z.tuple([projectionName('reshape')]),
    options: z.object({
      maxRate: MAX_RATE.value.optional(),
      segments: SEGMENTS.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
      again: z.boolean().optional(),
    }),
  },
  run: async (context, { args: [projection], options }) =>
    (await import('../tables/run-fill.ts')).runFill(context, projection, options),
})
