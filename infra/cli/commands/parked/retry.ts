import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FILTER, parkableName } from './input.ts'

export const retry = defineCommand({
  name: 'retry',
  summary: 'Tries parked changes again: applies the current item of each key.',
  arguments: [
    { name: '[entity]', summary: 'or a kept table; default: all, parents first' },
    { name: '[keys...]', summary: 'default: all' },
  ],
  flags: FILTER.flags,
  writes: true,
  examples: [
    'backsync parked retry --dry-run',
    'backsync parked retry chef 01a2017f-4a51-7745-ac17-4ad3b96278de',
    'backsync parked retry recipe --class dependency --yes',
    'backsync parked retry --code row.locked --older-than 10m --dry-run',
    'backsync parked retry users-by-city',
  ],
  notes: [
    'The payload is evidence only: what is applied is what the item is now; where it is gone, it is deleted.',
    'Each key ends as applied, superseded (the other side is newer already) or parked (still, with the reason); with',
    'any of the last the exit code is 3.',
  ].join('\n'),
  input: {
    arguments: z.tuple([parkableName.optional(), z.array(z.string()).default([])]),
    options: z.object(FILTER.options),
  },
  run: async (context, { args: [of, keys], options }) =>
    (await import('./run-retry.ts')).runRetry(context, of, { keys, ...options }),
})
