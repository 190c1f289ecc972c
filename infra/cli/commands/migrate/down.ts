import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { DIRECT, FOLDER, TO } from './input.ts'

export const down = defineCommand({
  name: 'down',
  summary:
    "Undoes the last of the team's migrations by its down file, or all behind a number: for a development database.",
  flags: [
    {
      ...TO.flag,
      summary: 'undo all with a number above this one, as 12 for 0012_..., the last first; 0: all',
    },
    DIRECT.flag,
    FOLDER.flag,
  ],
  writes: true,
  examples: ['backsync migrate down', 'backsync migrate down --to 12 --dry-run'],
  notes: [
    'Each statement of NNNN_name.down.sql is recorded as those of "migrate up" are: interrupted or killed, the next "migrate down" goes on, and',
    'until it has, "migrate up" and deployments refuse. A migration without a down file is refused before anything is done. No deployment',
    'undoes anything: production goes forward. What Backsync itself needs is not undone.',
  ].join('\n'),
  input: {
    arguments: z.tuple([]),
    options: z.object({
      to: TO.orZero.optional(),
      direct: DIRECT.value.optional(),
      folder: FOLDER.value,
    }),
  },
  run: async (context, { options }) => (await import('./run-down.ts')).runDown(context, options),
})
