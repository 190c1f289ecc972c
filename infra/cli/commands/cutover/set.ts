import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { FORCE, forced, PLACEMENT, placement, ROUTE, requireReason, stageName, WHY } from './input.ts'

export const set = defineCommand({
  name: 'set',
  summary: 'Moves a route to a stage, a share of its keys, or other lists.',
  arguments: [
    ROUTE,
    { name: '[stage]', summary: 'legacy, mirrored, shadow, live or complete (default: as it is)' },
  ],
  flags: [...PLACEMENT, FORCE, WHY],
  writes: true,
  examples: [
    'backsync cutover set chef mirrored',
    'backsync cutover set chef live --percent 5 --dry-run',
    'backsync cutover set chef live --percent 0 --allow 17,18',
  ],
  notes: [
    'Stages are gone through one by one; back at any time, and all the way. Forward is refused with exit code 4 while something stands',
    'against it, each with what to type. --dry-run tells how many keys change hands and what a sweep of all of them takes. Each key',
    'follows with its next write, or by "backsync cutover sweep".',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName, stageName.optional()]),
    options: z.object({ ...placement, ...forced }).refine(...requireReason),
  },
  run: async (context, { args: [entity, stage], options: { why, force, ...wish } }) =>
    (await import('./run-move.ts')).runMoveTo(context, entity, { ...wish, stage }, { why, force }),
})
