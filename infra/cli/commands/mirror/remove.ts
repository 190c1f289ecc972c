import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { DIRECT, ENTITIES, entitiesNamed, PRINT } from './input.ts'

export const remove = defineCommand({
  name: 'remove',
  summary: 'Takes the triggers of entities away: plain SQL is not seen any more, and not refused.',
  arguments: [{ ...ENTITIES, summary: 'such as chef (default: all that have any)' }],
  flags: [DIRECT.flag, PRINT],
  writes: true,
  examples: ['backsync mirror remove chef --dry-run', 'backsync mirror remove --yes'],
  notes:
    'What the log holds stays, and is carried over. What is written from then on DynamoDB learns only by filling it anew.',
  input: {
    arguments: entitiesNamed(() => true),
    options: z.object({ direct: DIRECT.value.optional(), print: z.boolean().optional() }),
  },
  run: async (context, { args, options }) =>
    (await import('./run-triggers.ts')).runTriggers(context, 'remove', args, options),
})
