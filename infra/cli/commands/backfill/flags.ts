import * as z from 'zod'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_LAG, MAX_RATE, ON, SEGMENTS } from '../../conventions/flags.ts'

/** What backfill and resync take alike. @param from how it is written and what it says */
export const flags = (from: string) => [
  { flags: '--from <store>', summary: from },
  MAX_RATE.flag,
  MAX_LAG.flag,
  SEGMENTS.flag,
  CONCURRENCY.flag,
  ON.flag,
  { flags: AGAIN, summary: 'go once more over what was done, or begin anew' },
]

const SIDES = ['dynamo', 'aurora'] as const

/** @param from which side's own records are brought, as it is given */
const input = <F>(from: z.ZodType<F>) => ({
  arguments: z.tuple([entityName]),
  options: z.object({
    from,
    maxRate: MAX_RATE.value.optional(),
    maxLag: MAX_LAG.value.optional(),
    segments: SEGMENTS.value.optional(),
    concurrency: CONCURRENCY.value.optional(),
    again: z.boolean().optional(),
    on: ON.value.optional(),
  }),
})

export const FROM_ONE = input(
  z.enum(SIDES, { error: 'say whose records are brought to the other side: --from dynamo or --from aurora' }),
)

export const FROM_EITHER = input(
  z.enum(SIDES, { error: 'say --from dynamo or --from aurora, or leave it out: both ways' }).optional(),
)
