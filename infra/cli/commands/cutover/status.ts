import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'

export const status = defineCommand({
  name: 'status',
  summary: 'Shows where each route stands, since when, and whether all of its keys have followed.',
  writes: false,
  examples: ['backsync cutover status', 'backsync cutover status --json'],
  notes:
    'Exit code 3 while keys of a route that was moved are not known to have followed, it is frozen, or a store was restored and nobody has said so.',
  input: { arguments: z.tuple([]), options: z.object({}) },
  run: async (context) => (await import('./run-status.ts')).runRouteStatus(context),
})
