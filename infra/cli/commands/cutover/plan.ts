import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { PLACEMENT, placement, ROUTE, stageName } from './input.ts'

export const plan = defineCommand({
  name: 'plan',
  summary: 'Shows what a move of a route would do, how many keys follow, and what stands against it.',
  arguments: [
    ROUTE,
    { name: '[stage]', summary: 'legacy, mirrored, shadow, live or complete (default: as it is)' },
  ],
  flags: PLACEMENT,
  writes: false,
  examples: ['backsync cutover plan chef shadow', 'backsync cutover plan chef live --percent 20 --json'],
  input: { arguments: z.tuple([entityName, stageName.optional()]), options: z.object(placement) },
  run: async (context, { args: [entity, stage], options }) =>
    (await import('./run-move.ts')).runMoveTo(
      { ...context, dryRun: true },
      entity,
      { ...options, stage },
      {},
    ),
})
