import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { MAX_RATE } from '../../conventions/flags.ts'
import { projectionName } from '../kept-tables/input.ts'

export const finish = defineCommand({
  name: 'finish',
  summary:
    "Ends a reshape after the switch to the new table: its source's changes are no longer carried over.",
  arguments: [{ name: '<table>', summary: 'the new table, such as user-preferences-v2' }],
  flags: [MAX_RATE.flag],
  writes: true,
  examples: [
    'backsync reshape finish user-preferences-v2 --dry-run',
    'backsync reshape finish user-preferences-v2',
  ],
  notes: [
    'Compares the two tables first, item by item: 3 when they differ, 4 when the table is not filled or something is',
    'parked. "reshape start --again" takes it back.',
  ].join('\n'),
  input: {
    arguments: z.tuple([projectionName('reshape')]),
    options: z.object({ maxRate: MAX_RATE.value.optional() }),
  },
  run: async (context, { args: [projection], options }) =>
    (await import('../kept-tables/run-finish.ts')).runFinish(context, projection, options),
})
