import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { ROUTE } from './input.ts'

export const history = defineCommand({
  name: 'history',
  summary: 'Shows the last moves of a route: when, who, why, and what they were forced against.',
  arguments: [ROUTE],
  writes: false,
  examples: ['backsync cutover history chef', 'backsync cutover history chef --json'],
  input: { arguments: z.tuple([entityName]), options: z.object({}) },
  run: async (context, { args: [entity] }) => (await import('./run-status.ts')).runHistory(context, entity),
})
