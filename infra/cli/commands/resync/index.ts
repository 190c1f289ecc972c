import { defineCommand } from '../../conventions/command.ts'
import { FROM_EITHER, flags } from '../backfill/flags.ts'

export const resync = defineCommand({
  name: 'resync',
  summary:
    'Makes both stores one again, each key as its owner has it, with the deletes that nothing has told of.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: flags('only what one side owns: dynamo or aurora (default: both, of what is mirrored; else dynamo)'),
  writes: true,
  examples: [
    'backsync resync chef --dry-run',
    'backsync resync chef',
    'backsync resync chef --from dynamo --yes',
  ],
  notes: [
    'For an outage that was longer than the stream’s day, for a TRUNCATE, and for a store that was restored. First what each side',
    'has of its own keys is brought to the other one, as "backsync backfill" does it. Then what the other side still has of such',
    'keys is asked about: a row of DynamoDB’s whose item is gone is deleted, under the guard, one version above; an item of',
    'Aurora’s whose row is gone, likewise. Keys that are being moved are left alone. Writes, stream and relay go on meanwhile.',
    'Interrupted, the same command goes on where it stopped. Exit code 3: something is parked.',
  ].join('\n'),
  input: FROM_EITHER,
  run: async (context, { args: [entity], options: { from, ...options } }) =>
    (await import('../backfill/run-backfill.ts')).runBackfillCommand(context, 'resync', entity, {
      ...options,
      from: from ?? (entity.mirror === undefined ? 'dynamo' : 'both'),
    }),
})
