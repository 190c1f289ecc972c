import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { MAX_RATE } from '../../conventions/flags.ts'

/** Makes keys that differ the same again. */
export const repair = defineCommand({
  name: 'repair',
  summary: "Makes the keys that a verification has found the same again: the owner's record wins.",
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: [
    { flags: '--winner <side>', summary: 'of keys in conflict: whose content is right, aurora or dynamo' },
    { flags: '--keys <file>', summary: 'only the keys in this file, one a line' },
    { flags: '--report <file>', summary: 'write both records of each key, before and after, into this file' },
    MAX_RATE.flag,
  ],
  writes: true,
  examples: [
    'backsync repair chef --dry-run',
    'backsync repair chef --report repaired.jsonl',
    'backsync repair chef --keys conflicts --winner aurora',
  ],
  notes: [
    'What the owner of a key holds, or that it has deleted it, is brought to the other side, as it is by then and under the guard:',
    'whoever writes in between is not overtaken, and keys that agree by now are left. A conflict, one version with two contents, is',
    'left unless --winner says whose is right; the key belongs to its owner as before. What is unreadable, half moved or disputed has',
    'cures of its own. Each key is looked at again when it was repaired. Interrupted, the same command goes on with what is left.',
    'Exit code 3: something is left. The report has the customer’s values in it.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({
      winner: z.enum(['aurora', 'dynamo'], { error: 'say --winner aurora or --winner dynamo' }).optional(),
      keys: z.string().optional(),
      report: z.string().optional(),
      maxRate: MAX_RATE.value.optional(),
    }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-repair.ts')).runRepairCommand(context, entity, options),
})
