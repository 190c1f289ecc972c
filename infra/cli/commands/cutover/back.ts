import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { ROUTE, WHY, why } from './input.ts'

export const back = defineCommand({
  name: 'back',
  summary: 'Moves a route one rung back, whatever else is wrong.',
  arguments: [ROUTE],
  flags: [WHY],
  writes: true,
  examples: ['backsync cutover back chef', 'backsync cutover back chef --why slower --yes'],
  notes:
    'Nothing stands against it: no gate, no lag, no store that can’t be reached, no freeze. Further back: "set chef legacy".',
  input: { arguments: z.tuple([entityName]), options: z.object(why) },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-move.ts')).runMoveBy(context, entity, 'back', options),
})
