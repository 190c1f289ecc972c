import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER } from './input.ts'

export const status = defineCommand({
  name: 'status',
  summary: 'Shows where each migration stands, and of those that are not done each statement.',
  flags: [FOLDER.flag],
  writes: false,
  examples: ['backsync migrate status', 'backsync migrate status --json'],
  notes: [
    "The bridge's own and the team's have ledgers of their own. Of a statement that was begun and whose end nobody saw it says whether the",
    'next "migrate up" finds that out by itself (interrupted), or a person has to ("migrate repair": unknown). Exit code 3 while anything is',
    'not applied; nothing is touched.',
  ].join('\n'),
  input: { arguments: z.tuple([]), options: z.object({ folder: FOLDER.value }) },
  run: async (context, { options }) => (await import('./run-status.ts')).runStatus(context, options),
})
