import { defineCommand } from '../../conventions/command.ts'
import { FLAGS, INPUT } from './flags.ts'

export const backfill = defineCommand({
  name: 'backfill',
  summary: 'Fills Aurora with what an entity’s items are, whether the stream has told of them or not.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: FLAGS,
  writes: true,
  examples: [
    'backsync backfill chef --from dynamo --dry-run',
    'backsync backfill chef --from dynamo',
    'backsync backfill chef --from dynamo --max-rate 500 --yes',
  ],
  notes: [
    'For items that are older than the bridge. Writes and the stream go on meanwhile, under the same guard: what is newer',
    'stays, and what was deleted stays deleted. Items that Aurora owns are passed over. What refers to a row that is not there',
    'yet is parked, and comes in with that row: fill what is referred to first. Interrupted, the same command goes on where it',
    'stopped. Exit code 3: something is parked, "backsync parked list". Deletes that the stream has forgotten leave their',
    'rows, since no item tells of them: "backsync resync" finds them.',
  ].join('\n'),
  input: INPUT,
  run: async (context, { args: [entity], options }) =>
    (await import('./run-backfill.ts')).runBackfillCommand(context, 'backfill', entity, options),
})
