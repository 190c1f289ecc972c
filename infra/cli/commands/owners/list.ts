import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'

export const list = defineCommand({
  name: 'list',
  summary: 'Shows of each entity since when the owners of its keys are known, or what to type.',
  writes: false,
  examples: ['backsync owners list', 'backsync owners list --json'],
  notes: [
    'As long as the owners of an entity are not known, no write is refused for its owner and no key changes hands. It is so',
    'only of entities that were kept before there were owners; exit code 3 while there is one. Careless are writers of whose',
    'items one had to be lifted within the last day: they put anew, restore, or do not count versions.',
  ].join('\n'),
  input: { arguments: z.tuple([]), options: z.object({}) },
  run: async (context) => (await import('./run-list.ts')).runList(context),
})
