import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, ON, SEGMENTS } from '../../conventions/flags.ts'
import { ROUTE } from './input.ts'

export const sweep = defineCommand({
  name: 'sweep',
  summary: 'Has all keys of a route follow its last move, and proves that none is left.',
  arguments: [ROUTE],
  flags: [
    MAX_RATE.flag,
    CONCURRENCY.flag,
    SEGMENTS.flag,
    ON.flag,
    { flags: AGAIN, summary: 'look once more at a route that is settled, or begin anew' },
  ],
  writes: true,
  examples: ['backsync cutover sweep chef --dry-run', 'backsync cutover sweep chef --max-rate 50'],
  notes: [
    'Reads and writes go on meanwhile. Interrupted or killed, the same command goes on where it stopped. Exit code 3: keys are left, since',
    'they can’t be moved ("backsync parked list" has both contents), are held by a transaction, were moved by hand, or came meanwhile:',
    'each has its reason beside it. Mend that, and give it once more.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({
      maxRate: MAX_RATE.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
      segments: SEGMENTS.value.optional(),
      on: ON.value.optional(),
      again: z.boolean().optional(),
    }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-sweep.ts')).runSweepCommand(context, entity, options),
})
