import { defineCommand } from '../../conventions/command.ts'
import { FROM_ONE, flags } from './flags.ts'

export const backfill = defineCommand({
  name: 'backfill',
  summary:
    'Fills one store with what the other one has of an entity, whether stream and log have told of it or not.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: flags('whose records are brought to the other side: dynamo or aurora'),
  writes: true,
  examples: [
    'backsync backfill chef --from dynamo --dry-run',
    'backsync backfill chef --from dynamo',
    'backsync backfill chef --from aurora --max-rate 500 --yes',
    'backsync backfill chef --from dynamo --on aws',
  ],
  notes: [
    'For what is older than the bridge. Writes, stream and relay go on meanwhile, under the same guard: what is newer stays, and',
    'what was deleted stays deleted. Keys that are the other side’s are passed over. What refers to a row that is not there yet',
    'is parked, and comes in with that row: fill what is referred to first. From Aurora only what is mirrored is brought, once',
    'its triggers are there: what is written meanwhile would be in neither. Interrupted, the same command goes on where it',
    'stopped; with another --max-rate it bounds one that runs. Exit code 3: something is parked, "backsync parked list". Deletes',
    'that nothing has told of are found by "backsync resync".',
  ].join('\n'),
  input: FROM_ONE,
  run: async (context, { args: [entity], options }) =>
    (await import('./run-backfill.ts')).runBackfillCommand(context, 'backfill', entity, options),
})
