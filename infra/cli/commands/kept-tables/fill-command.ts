import * as z from 'zod'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import { type Command, defineCommand } from '../../conventions/command.ts'
import { AGAIN, CONCURRENCY, MAX_LAG, MAX_RATE, ON, SEGMENTS } from '../../conventions/flags.ts'
import { projectionName } from './input.ts'

/** The command that fills the tables that are kept in one way; `again` says what `--again` does with them. */
export const fillCommand = ({
  kind,
  table,
  again,
  ...described
}: Pick<Command, 'name' | 'summary' | 'examples' | 'notes'> & {
  readonly kind: Projection['kind']
  readonly table: string
  readonly again: string
}): Command =>
  defineCommand({
    ...described,
    arguments: [{ name: '<table>', summary: table }],
    flags: [
      MAX_RATE.flag,
      MAX_LAG.flag,
      SEGMENTS.flag,
      CONCURRENCY.flag,
      ON.flag,
      { flags: AGAIN, summary: again },
    ],
    writes: true,
    input: {
      arguments: z.tuple([projectionName(kind)]),
      options: z.object({
        maxRate: MAX_RATE.value.optional(),
        maxLag: MAX_LAG.value.optional(),
        segments: SEGMENTS.value.optional(),
        concurrency: CONCURRENCY.value.optional(),
        again: z.boolean().optional(),
        on: ON.value.optional(),
      }),
    },
    run: async (context, { args: [projection], options }) =>
      (await import('./run-fill.ts')).runFillCommand(context, projection, options),
  })
