import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { FORCE, forced, ROUTE, requireReason, WHY } from './input.ts'

export const advance = defineCommand({
  name: 'advance',
  summary: 'Moves a route one rung on: mirrored, shadow, live with 1, 5, 20, 50 and 100 %.',
  arguments: [ROUTE],
  flags: [FORCE, WHY],
  writes: true,
  examples: ['backsync cutover advance chef --dry-run', 'backsync cutover advance chef'],
  notes: 'The last stage, complete, has no way back: it is only ever set by its name.',
  input: {
    arguments: z.tuple([entityName]),
    options: z.object(forced).refine(...requireReason),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-move.ts')).runMoveBy(context, entity, 'on', options),
})
