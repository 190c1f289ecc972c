import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FILTER } from './input.ts'

export const drop = defineCommand({
  name: 'drop',
  summary: 'Ends batches without delivering them: their records are not applied.',
  arguments: [{ name: '[ids...]', summary: 'as the list has them; without any a filter says which' }],
  flags: FILTER.flags,
  writes: true,
  examples: [
    'backsync undelivered drop 2026-11-22T10.00.00-0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d --dry-run',
    'backsync undelivered drop 2026-11-22T10.00.00-0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d',
    'backsync undelivered drop --entity chef --older-than 30d --dry-run',
  ],
  notes:
    'For what is known to be of no use. The objects are kept for 90 days yet, below ended/dropped/ in the bucket.',
  input: { arguments: z.tuple([z.array(z.string()).default([])]), options: z.object(FILTER.options) },
  run: async (context, { args: [ids], options }) =>
    (await import('./run-drop.ts')).runDrop(context, ids, options),
})
