import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { directFlag } from '../../conventions/direct.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'

const percent = z.string().transform((text, context): number => {
  const n = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (n > 0 && n < 100) return n
  context.addIssue({
    code: 'custom',
    message: `--sample ${JSON.stringify(text)} is not above 0 and below 100`,
  })
  return z.NEVER
})

const since = z.string().transform((text, context): string => {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  const message = `--since ${JSON.stringify(text)} is not a time with its zone, as 2026-11-22T10:00:00Z`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const seconds = z.string().transform((text, context): number => {
  const n = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (n > 0 && n <= 600) return n
  context.addIssue({
    code: 'custom',
    message: `--patience ${JSON.stringify(text)} is not above 0, at most 600`,
  })
  return z.NEVER
})

const DIRECT = directFlag(
  'read the rows from the database itself, as mysql://HOST:3306, not over the Data API',
)

/** Whether both stores hold the same of an entity. */
export const verify = defineCommand({
  name: 'verify',
  summary: 'Compares all that both stores hold of an entity, and lists the keys that differ.',
  arguments: [{ name: '<entity>', summary: 'such as chef' }],
  flags: [
    { flags: '--sample <percent>', summary: 'only a share of the keys, the same ones each time' },
    {
      flags: '--since <time>',
      summary: 'only keys that were written since then, such as 2026-11-22T10:00:00Z',
    },
    { flags: '--keys <file>', summary: 'only the keys in this file, one a line' },
    { flags: '--patience <seconds>', summary: 'before what differs is looked at again (default: 5)' },
    { flags: '--report <file>', summary: 'write each difference into this file, as JSON, one a line' },
    DIRECT.flag,
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'begin anew what was interrupted' },
  ],
  writes: true,
  examples: [
    'backsync verify chef --dry-run',
    'backsync verify chef --report differences.jsonl',
    'backsync verify chef --since 2026-11-22T10:00:00Z',
    'backsync verify chef --direct mysql://db.internal:3306',
  ],
  notes: [
    'It reads, and changes neither store; writes go on meanwhile. Both sides are summed up by buckets of the key; where a bucket',
    'differs its keys are looked at, and what differs is looked at again after the lag: what is on its way is no difference.',
    'Interrupted, the same command goes on where it stopped. Exit code 3: keys differ, or were written whenever they were looked',
    'at. What it found is kept for 90 days: "backsync repair" takes it up.',
    'A sample is a share of the keys, by their hash. Where that costs DynamoDB less (of small items below two or three percent, of',
    'items of 4 KB below thirty), it reads the items of the sampled rows by their keys, and as large a share of the table for what no',
    'row leads to; else it scans all of it. The database goes through all rows for their keys, but hashes and answers those of the',
    'sample only. --dry-run says which.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z
      .object({
        sample: percent.optional(),
        since: since.optional(),
        keys: z.string().optional(),
        patience: seconds.optional(),
        report: z.string().optional(),
        direct: DIRECT.value.optional(),
        maxRate: MAX_RATE.value.optional(),
        segments: SEGMENTS.value.optional(),
        concurrency: CONCURRENCY.value.optional(),
        again: z.boolean().optional(),
      })
      .refine(
        ({ sample, since: from, keys }) =>
          [sample, from, keys].filter((one) => one !== undefined).length <= 1,
        'give only one of --sample, --since and --keys',
      ),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-verify.ts')).runVerifyCommand(context, entity, options),
})
