import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { DIRECT, FOLDER, ONLINE, TO } from './input.ts'

export const up = defineCommand({
  name: 'up',
  summary: 'Applies what is pending, as a deployment does: the plan is shown first.',
  flags: [TO.flag, ONLINE.flag, DIRECT.flag, FOLDER.flag],
  writes: true,
  examples: [
    'backsync migrate up',
    'backsync migrate up --to 12 --yes',
    'backsync migrate up --direct mysql://db.internal:3306',
  ],
  notes: [
    'Each statement is recorded by itself; interrupted or killed, the next run goes on behind the last one that is done. It waits for another',
    'run, a deployment too, and takes over from one that died once its lease has ended, after two minutes. What takes longer than a',
    'deployment may is applied here first. Triggers and routines go over the direct connection: the Data API makes none.',
    'With --online a change of a table that could only be done by a copy, or while nobody writes, is refused and nothing is done of it.',
  ].join('\n'),
  input: {
    arguments: z.tuple([]),
    options: z.object({
      to: TO.value.optional(),
      online: ONLINE.value,
      direct: DIRECT.value.optional(),
      folder: FOLDER.value,
    }),
  },
  run: async (context, { options }) => (await import('./run-up.ts')).runUp(context, options),
})
