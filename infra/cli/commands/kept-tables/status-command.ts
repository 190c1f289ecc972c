import * as z from 'zod'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { type Command, defineCommand } from '../../conventions/command.ts'
import { MAX_RATE } from '../../conventions/flags.ts'
import { projectionName, projectionsOf } from './input.ts'

/** `status` of the tables that are kept in one way. */
export const statusCommand = ({
  kind,
  summary,
  example,
}: {
  readonly kind: Projection['kind']
  readonly summary: string
  readonly example: string
}): Command =>
  defineCommand({
    name: 'status',
    summary,
    arguments: [{ name: '[table]', summary: 'default: all' }],
    flags: [
      {
        flags: '--verify',
        summary: 'compare all of it with the source, both ways; 3 when they differ',
      },
      MAX_RATE.flag,
    ],
    writes: false,
    goesOn: true,
    examples: [
      `backsync ${kind} status`,
      `backsync ${kind} status ${example} --verify`,
      `backsync ${kind} status --json`,
    ],
    notes: [
      'Compares as "backsync verify" does: sums by bucket first, items only where these differ. Both tables may be written meanwhile:',
      'what differs is looked at again, 3 seconds later and up to eight times, before it counts. Interrupted or killed, the same',
      `command goes on. What differs is mended by "backsync ${kind} repair".`,
    ].join('\n'),
    input: {
      arguments: z.tuple([projectionName(kind).optional()]),
      options: z.object({ verify: z.boolean().optional(), maxRate: MAX_RATE.value.optional() }),
    },
    run: async (context, { args: [projection], options }) =>
      (await import('./run-status.ts')).runStatus(
        context,
        projection === undefined ? projectionsOf(kind) : [projection],
        options,
      ),
  })
