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
        summary: 'compare with the source, item by item and both ways; 3 when they differ',
      },
      MAX_RATE.flag,
    ],
    writes: false,
    examples: [
      `backsync ${kind} status`,
      `backsync ${kind} status ${example} --verify`,
      `backsync ${kind} status --json`,
    ],
    notes: 'Both tables may be written while they are compared: what differs is read again before it counts.',
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
