import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'

export const take = defineCommand({
  name: 'take',
  summary: 'Gives DynamoDB the rows of the keys that have an item, where they don’t say whose they are.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: [
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'go once more over an entity whose owners are known, or begin anew' },
  ],
  writes: true,
  examples: [
    'backsync owners take chef --dry-run',
    'backsync owners take chef',
    'backsync owners take chef --max-rate 500 --yes',
  ],
  notes: [
    'For entities that were kept before there were owners, once the deployment that brings them is through. Writes and the',
    'stream go on meanwhile. All other rows are Aurora’s. From its end on a write is refused at the side that does not own its',
    'key. Interrupted, the same command goes on where it stopped. Rows that are ahead of their items are listed, and the exit',
    'code is 3: look at them with "backsync key". With --again only rows are taken that are proved to have come from their items.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({
      maxRate: MAX_RATE.value.optional(),
      segments: SEGMENTS.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
      again: z.boolean().optional(),
    }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-take.ts')).runTake(context, entity, options),
})
