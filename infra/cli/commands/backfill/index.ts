import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'

export const backfill = defineCommand({
  name: 'backfill',
  summary: 'Fills Aurora with what an entity’s items are, whether the stream has told of them or not.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: [
    { flags: '--from <store>', summary: 'where they are read: dynamo' },
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'go once more over what was filled, or begin anew' },
  ],
  writes: true,
  examples: [
    'backsync backfill chef --from dynamo --dry-run',
    'backsync backfill chef --from dynamo',
    'backsync backfill chef --from dynamo --max-rate 500 --yes',
  ],
  notes: [
    'For items that are older than the bridge, and after an outage that was longer than the stream’s day. Writes and the stream',
    'go on meanwhile, under the same guard: what is newer stays, and what was deleted stays deleted. Items that Aurora owns are',
    'passed over. What refers to a row that is not there yet is parked, and comes in with that row: fill what is referred to',
    'first. Interrupted, the same command goes on where it stopped. Exit code 3: something is parked, "backsync parked list".',
    'Deletes that the stream has forgotten leave their rows: no item tells of them.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({
      from: z.literal('dynamo', { error: 'say where the items are: --from dynamo' }),
      maxRate: MAX_RATE.value.optional(),
      segments: SEGMENTS.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
      again: z.boolean().optional(),
    }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-backfill.ts')).runBackfillCommand(context, entity, options),
})
