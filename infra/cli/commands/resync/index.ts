import { defineCommand } from '../../conventions/command.ts'
import { FLAGS, INPUT } from '../backfill/flags.ts'

export const resync = defineCommand({
  name: 'resync',
  summary: 'Makes an entity’s rows again what its items are, with the deletes that no stream has told of.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: FLAGS,
  writes: true,
  examples: ['backsync resync chef --from dynamo --dry-run', 'backsync resync chef --from dynamo'],
  notes: [
    'For an outage that was longer than the stream’s day, and for a database that was restored. First all items are read and',
    'applied, as "backsync backfill" does it. Then each row that is DynamoDB’s is asked about: where its item is gone it is',
    'deleted, under the guard, one version above. Rows that are Aurora’s, and keys that were moved, are not deleted. Writes and',
    'the stream go on meanwhile. Interrupted, the same command goes on where it stopped. Exit code 3: something is parked.',
  ].join('\n'),
  input: INPUT,
  run: async (context, { args: [entity], options }) =>
    (await import('../backfill/run-backfill.ts')).runBackfillCommand(context, 'resync', entity, options),
})
