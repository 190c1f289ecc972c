import * as z from 'zod'

/** What a benchmark asks of the process in which the stream's function runs. */
export const order = z.object({
  /** `ours`: the function. `one by one`: one PutItem per record. `limit`: bare BatchWriteItems at once. */
  way: z.enum(['ours', 'one by one', 'limit']),
  /** Events as Lambda delivers them, each as JSON. */
  events: z.array(z.string()),
})
export type Order = z.infer<typeof order>

/** What it took. */
export const report = z.object({
  /** Records or items that were done. */
  records: z.int(),
  ms: z.number(),
  /** The largest resident set so far, in bytes. */
  peakMemory: z.number(),
})
export type Report = z.infer<typeof report>
