import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { ROUTE, WHY, why } from './input.ts'

export const freeze = defineCommand({
  name: 'freeze',
  summary: 'Holds a route: no key is claimed, and it does not go forward, until it is let go.',
  arguments: [ROUTE],
  flags: [{ flags: '--thaw', summary: 'let it go' }, WHY],
  writes: true,
  examples: ['backsync cutover freeze chef --why slow-claims', 'backsync cutover freeze chef --thaw'],
  notes: 'Each key is served where it is meanwhile. "cutover back" goes back all the same, and lets it go.',
  input: { arguments: z.tuple([entityName]), options: z.object({ ...why, thaw: z.boolean().optional() }) },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-freeze.ts')).runFreeze(context, entity, options),
})
