import * as z from 'zod'
import { copyRequestSchema, hasWork } from '../../../../functions/bridge/copy/copy-request.ts'
import { defineCommand } from '../../conventions/command.ts'
import { AGAIN, CONCURRENCY, MAX_RATE, SEGMENTS } from '../../conventions/flags.ts'

const { sourceRoleArn, sourceRegion, destinationRoleArn, destinationRegion } = copyRequestSchema.shape

/** A flag that stands for a field of the request: the field says what is wrong, under the flag's name. */
const fieldFlag = (flag: string, field: z.ZodType, example = '') =>
  z
    .string()
    .superRefine((text, context) => {
      for (const { message } of field.safeParse(text).error?.issues ?? [])
        context.addIssue({ code: 'custom', message: `${flag} ${message}${example}` })
    })
    .optional()
const REGION = ', such as eu-west-1'

export const copy = defineCommand({
  name: 'copy',
  summary: 'Copies all items of a table into another one, such as a restored one into the live one.',
  arguments: [
    { name: '<source>', summary: 'one of the stack, such as users, or one in DynamoDB' },
    { name: '<destination>', summary: 'the same; it must be there, with the same key' },
  ],
  flags: [
    { flags: '--cleanup', summary: 'delete all items of the destination first' },
    {
      flags: '--empties <table>',
      summary: 'the destination, to empty on a deployed stack what a stream follows',
    },
    { flags: '--no-migrate', summary: 'copy nothing: with --cleanup, empty the destination only' },
    { flags: '--source-role <arn>', summary: 'the role to read the source with, in another account' },
    { flags: '--source-region <name>', summary: "the source's region" },
    { flags: '--destination-role <arn>', summary: 'the role to write the destination with' },
    { flags: '--destination-region <name>', summary: "the destination's region" },
    MAX_RATE.flag,
    SEGMENTS.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'begin anew, and forget a copy that was interrupted' },
  ],
  writes: true,
  examples: [
    'backsync copy users-restored users --cleanup --dry-run',
    'backsync copy users-restored users --cleanup',
    'backsync copy users users-copy --max-rate 2000 --yes',
    'backsync copy users-restored users --cleanup --no-migrate',
  ],
  notes: [
    'Cleans up, copies, then reads the destination once more: count and checksum of both sides are the result, and 3 the',
    'exit code when they differ. A destination that holds items asks for its name. Interrupted, the same command goes on',
    'where it stopped. What is written to a table that a stream follows goes on to the other side: versions that step back',
    'are raised above those there, or parked, as the entity has it; at the end the command says of how many keys. On a deployed stack --yes does not empty such a',
    'table: its name does, typed or as --empties.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.string(), z.string()]),
    options: z
      .object({
        cleanup: z.boolean().default(false),
        empties: z.string().optional(),
        migrate: z.boolean(),
        sourceRole: fieldFlag('--source-role', sourceRoleArn),
        sourceRegion: fieldFlag('--source-region', sourceRegion, REGION),
        destinationRole: fieldFlag('--destination-role', destinationRoleArn),
        destinationRegion: fieldFlag('--destination-region', destinationRegion, REGION),
        maxRate: MAX_RATE.value.optional(),
        segments: SEGMENTS.value.optional(),
        concurrency: CONCURRENCY.value.optional(),
        again: z.boolean().default(false),
      })
      .refine(
        ({ cleanup, migrate }) => hasWork({ cleanupDestinationTable: cleanup, migrate }),
        '--no-migrate without --cleanup is nothing to do',
      ),
  },
  run: async (context, { args: [source, destination], options }) =>
    (await import('./run-copy.ts')).runCopyCommand(context, { source, destination, ...options }),
})
