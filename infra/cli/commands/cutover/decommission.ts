import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { ROUTE } from './input.ts'

export const decommission = defineCommand({
  name: 'decommission',
  summary: 'Shows what of a complete route is left in Aurora, and makes the migration that takes it out.',
  arguments: [ROUTE],
  flags: [
    { flags: '--write', summary: 'write the migration' },
    {
      flags: '--folder <path>',
      summary: 'where the migrations are (default: the folder sql of this checkout)',
    },
  ],
  writes: false,
  examples: ['backsync cutover decommission chef', 'backsync cutover decommission chef --write'],
  notes: [
    'It changes nothing in either store: what it writes are two files, to be looked at, committed and deployed together with the line of',
    'the definition that it names. Triggers go before, by "backsync mirror remove": the Data API can’t drop them. Exit code 4 while something',
    'stands against it, each with what to type.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({ write: z.boolean().optional(), folder: z.string().min(1).optional() }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-decommission.ts')).runDecommission(context, entity, options),
})
