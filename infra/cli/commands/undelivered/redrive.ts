import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FILTER } from './input.ts'

export const redrive = defineCommand({
  name: 'redrive',
  summary: 'Delivers batches again: applies their records as the stream would.',
  arguments: [{ name: '[ids...]', summary: 'default: all, the oldest first' }],
  flags: FILTER.flags,
  writes: true,
  examples: [
    'backsync undelivered redrive --dry-run',
    'backsync undelivered redrive --yes',
    'backsync undelivered redrive --entity chef --dry-run',
    'backsync undelivered redrive 2026-11-22T10.00.00-0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d --yes',
  ],
  notes: [
    'Late records do no harm: the store has the last word, as with a stream. A record that is refused is parked. A batch is',
    'ended when all of its records are applied, late or parked; else it stays, and the reason is said. Interrupted, it goes',
    'on where it was. Where anything stays or is parked, the exit code is 3.',
  ].join('\n'),
  input: { arguments: z.tuple([z.array(z.string()).default([])]), options: z.object(FILTER.options) },
  run: async (context, { args: [ids], options }) =>
    (await import('./run-redrive.ts')).runRedrive(context, ids, options),
})
