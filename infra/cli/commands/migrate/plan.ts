import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER, ONLINE, TO } from './input.ts'

export const plan = defineCommand({
  name: 'plan',
  summary: 'Shows the statements that "migrate up" would send, exactly, and touches nothing.',
  flags: [TO.flag, ONLINE.flag, FOLDER.flag],
  writes: false,
  examples: ['backsync migrate plan', 'backsync migrate plan --to 12 --json'],
  notes: [
    'Of each statement it says what becomes of it should its answer be lost: one that changes rows is in one transaction with its record;',
    'of DDL by names the server tells whether it was done; of anything else a person has to. Of a change of a table that is there it says how this',
    'release of the server is expected to do it, what others can do meanwhile, and a guess of the time by its size. Exit code 3 while there is',
    'something to do.',
  ].join('\n'),
  input: {
    arguments: z.tuple([]),
    options: z.object({ to: TO.value.optional(), online: ONLINE.value, folder: FOLDER.value }),
  },
  run: async (context, { options }) => (await import('./run-plan.ts')).runPlan(context, options),
})
