import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'
import { projectionName } from '../tables/input.ts'

export const fill = defineCommand({
  name: 'fill',
  summary: 'Fills a replica with the items that its source has already.',
  arguments: [{ name: '<table>', summary: 'the replica, such as users-by-city' }],
  flags: [
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'fill anew what is filled or interrupted' },
  ],
  writes: true,
  examples: [
    'backsync replicate fill users-by-city --dry-run',
    'backsync replicate fill users-by-city --max-rate 500',
  ],
  notes:
    'Beside the stream and under the same guard. Interrupted, the same command goes on where it stopped.',
  input: {
    arguments: z.tuple([projectionName('replicate')]),
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
