import * as z from 'zod'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { type Command, defineCommand } from '../../conventions/command.ts'
import { MAX_RATE } from '../../conventions/flags.ts'
import { projectionName } from './input.ts'

/** `repair` of the tables that are kept in one way. */
export const repairCommand = ({
  kind,
  example,
}: {
  readonly kind: Projection['kind']
  readonly example: string
}): Command =>
  defineCommand({
    name: 'repair',
    summary: 'Makes what a verification has found in a kept table be what its source has.',
    arguments: [{ name: '<table>', summary: `such as ${example}` }],
    flags: [
      { flags: '--report <file>', summary: 'write both items of each, before and after, into this file' },
      MAX_RATE.flag,
    ],
    writes: true,
    examples: [
      `backsync ${kind} repair ${example} --dry-run`,
      `backsync ${kind} repair ${example} --report repaired.jsonl`,
    ],
    notes: [
      `The last "backsync ${kind} status ${example} --verify" says what differs. The source's item wins: it is brought, also over one of`,
      'the same version or of a later one, and what is made of nothing that the source has is taken away. Each is written only where it',
      'is still as it was looked at: what the stream brings meanwhile wins. Places that another item has, items that something else',
      'wrote or that have no form are left. Interrupted, the same command goes on with what is left. Exit code 3: something is left.',
      'The report has the customer’s values in it.',
    ].join('\n'),
    input: {
      arguments: z.tuple([projectionName(kind)]),
      options: z.object({ report: z.string().optional(), maxRate: MAX_RATE.value.optional() }),
    },
    run: async (context, { args: [projection], options }) =>
      (await import('./run-repair.ts')).runTableRepairCommand(context, projection, options),
  })
