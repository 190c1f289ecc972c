import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { DIRECT, ENTITIES, entitiesNamed, isMirrored, PRINT } from './input.ts'

export const install = defineCommand({
  name: 'install',
  summary: 'Makes the triggers of mirrored entities that are missing or changed.',
  arguments: [ENTITIES],
  flags: [DIRECT.flag, PRINT],
  writes: true,
  examples: [
    'backsync mirror install --dry-run',
    'backsync mirror install chef --yes',
    'backsync mirror install --direct mysql://db.internal:3306',
    'backsync mirror install chef --print',
  ],
  notes: [
    'It locks a table for as long as its triggers are made, some milliseconds, and waits for that 2 seconds at a time: who comes',
    'later waits behind it. The Data API makes no triggers, so it takes the direct connection, by the login of the stack or that',
    'in the URL; or --print, and a client of your own. The account has to stay: it is whose rights the triggers have.',
  ].join('\n'),
  input: {
    arguments: entitiesNamed(isMirrored),
    options: z.object({ direct: DIRECT.value.optional(), print: z.boolean().optional() }),
  },
  run: async (context, { args, options }) =>
    (await import('./run-triggers.ts')).runTriggers(context, 'install', args, options),
})
