import * as z from 'zod'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'

/** What backfill and resync take alike. */
export const FLAGS = [
  { flags: '--from <store>', summary: 'which side is right: dynamo' },
  MAX_RATE.flag,
  SEGMENTS.flag,
  CONCURRENCY.flag,
  { flags: AGAIN, summary: 'go once more over what was done, or begin anew' },
]

export const INPUT = {
  arguments: z.tuple([entityName]),
  options: z.object({
    from: z.literal('dynamo', { error: 'say where the items are: --from dynamo' }),
    maxRate: MAX_RATE.value.optional(),
    segments: SEGMENTS.value.optional(),
    concurrency: CONCURRENCY.value.optional(),
    again: z.boolean().optional(),
  }),
}
