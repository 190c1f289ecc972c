import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'

export const init = defineCommand({
  name: 'init',
  summary: 'Removes the sample from this checkout: what is left is yours to fill.',
  on: 'checkout',
  writes: true,
  examples: ['backsync init --dry-run', 'backsync init', 'backsync init --yes'],
  notes: [
    'Deletes chefs, recipes and users, their SQL, their tests and the walkthrough; empties the lists of entities, tables',
    'and extensions; and says in README.md what to do next. What you have added to the lists stays. Run again, it does',
    'nothing; after a merge of a release that brings parts of the sample back, it takes them out again.',
  ].join('\n'),
  input: { arguments: z.tuple([]), options: z.object({}) },
  run: async (context) => (await import('./run-init.ts')).runInit(context),
})
