import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { ENTITIES, entitiesNamed } from './input.ts'

export const status = defineCommand({
  name: 'status',
  summary:
    'Shows of each trigger whether it is there and does what the definition says, and stores that were restored; or what to type.',
  arguments: [ENTITIES],
  writes: false,
  examples: ['backsync mirror status', 'backsync mirror status chef --json'],
  notes: [
    'As long as a trigger is missing or changed, plain SQL is not seen, or writes keys that DynamoDB owns; exit code 3 while one is.',
    'A table that was swapped, as gh-ost and pt-osc do it, has lost its triggers; a definition that was changed wants others.',
    'Of a store that was restored, nothing is carried until "backsync cutover recover" has said so.',
  ].join('\n'),
  input: { arguments: entitiesNamed(() => true), options: z.object({}) },
  run: async (context, { args }) => (await import('./run-status.ts')).runStatus(context, args),
})
