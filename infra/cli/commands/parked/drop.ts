import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FILTER, parkableName } from './input.ts'

export const drop = defineCommand({
  name: 'drop',
  summary: 'Ends conflicts that have been decided: what was set aside of them is not applied.',
  arguments: [
    { name: '<conflicts>', summary: 'as the list has it, such as chef.conflicts' },
    { name: '[keys...]', summary: 'as the list has them; without any a filter says which' },
  ],
  flags: FILTER.flags,
  writes: true,
  examples: [
    'backsync parked drop chef.conflicts 01a2017f-4a51-7745-ac17-4ad3b96278de --dry-run',
    'backsync parked drop chef.conflicts 01a2017f-4a51-7745-ac17-4ad3b96278de',
    'backsync parked drop chef.conflicts --older-than 7d --dry-run',
  ],
  notes: [
    'A conflict is a write of a key that another side owns. See backsync key for what both sides hold; give the key to the side',
    'that is right, or write it there once more; then drop it. It is shown with --all for 90 days yet.',
    'Other parked changes are not dropped: mend the cause and try them again.',
  ].join('\n'),
  input: {
    arguments: z.tuple([parkableName, z.array(z.string()).default([])]),
    options: z.object(FILTER.options),
  },
  run: async (context, { args: [of, keys], options }) =>
    (await import('./run-drop.ts')).runDrop(context, of, { keys, ...options }),
})
