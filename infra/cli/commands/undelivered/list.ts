import * as z from 'zod'
import type { DescribedBatch } from '../../../../functions/bridge/undelivered/select-batches.ts'
import type { Undelivered } from '../../../../functions/bridge/undelivered/undelivered.ts'
import { defineCommand } from '../../conventions/command.ts'
import { usageError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { FILTER } from './input.ts'

const HEAD = ['id', 'given up at', 'table', 'function', 'reason', 'invocations', 'records']
/** A person reads no more; `--json` has all. */
const ROWS = 100

export const list = defineCommand({
  name: 'list',
  summary: 'Lists the batches that event sources gave up on, the oldest first.',
  flags: [
    ...FILTER.flags,
    { flags: '--records', summary: "with --json: also the records, a customer's values in them" },
  ],
  writes: false,
  examples: [
    'backsync undelivered list',
    'backsync undelivered list --entity chef --older-than 1h',
    'backsync undelivered list --json --records',
  ],
  notes:
    'A batch stays until it is redriven or dropped. Changes that are refused one by one are in: backsync parked list',
  input: {
    arguments: z.tuple([]),
    options: z.object({ ...FILTER.options, records: z.boolean().optional() }),
  },
  run: async ({ io, target, json }, { options: { records = false, ...filter } }) => {
    if (records && !json)
      throw usageError('--records goes with --json', 'see backsync undelivered list --help')
    const { openUndelivered } = await import('../../target/open-undelivered.ts')
    const { describeBatches } = await import('../../../../functions/bridge/undelivered/select-batches.ts')
    const { filterOf, isNarrowed } = await import('./input.ts')
    const undelivered = openUndelivered(target)
    const heads = await undelivered.heads()
    const shown: DescribedBatch[] = []
    let more = 0
    for await (const page of describeBatches(undelivered, heads, filterOf(target, filter), {
      now: new Date(),
    }))
      if (json)
        for (const one of page) printJsonLines(io, [records ? await withRecords(undelivered, one) : one])
      else {
        const room = page.slice(0, ROWS - shown.length)
        shown.push(...room)
        more += page.length - room.length
        // How many more there are is known without reading them, where all are meant.
        if (shown.length === ROWS && !isNarrowed(filter)) {
          more = heads.length - ROWS
          break
        }
      }
    if (json) return EXIT.done
    if (shown.length === 0) printLine(io, 'nothing is undelivered')
    else printTable(io, HEAD, shown.map(rowOf))
    if (more > 0) printLine(io, `and ${more} more`)
    return EXIT.done
  },
})

const rowOf = (one: DescribedBatch): string[] => [
  one.id,
  one.at,
  one.table ?? '?',
  one.function ?? '?',
  one.unreadable ?? one.condition ?? '?',
  String(one.invocations ?? '?'),
  String(one.records ?? '?'),
]

/** The batch with its records; of one that can't be read, its text. */
const withRecords = async (undelivered: Undelivered, one: DescribedBatch) =>
  one.unreadable === undefined
    ? { ...one, records: (await undelivered.read(one))?.records ?? [] }
    : { ...one, text: await undelivered.text(one) }
