import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'

const HEAD = ['id', 'given up at', 'table', 'function', 'reason', 'invocations', 'records']
/** A person reads no more; `--json` has all. */
const ROWS = 100
/** Objects that are read at once. */
const READS = 8

export const list = defineCommand({
  name: 'list',
  summary: 'Lists the batches that event sources gave up on, the oldest first.',
  writes: false,
  examples: ['backsync undelivered list', 'backsync undelivered list --json'],
  notes:
    'A batch stays until it is redriven or dropped. Changes that are refused one by one are in: backsync parked list',
  input: { arguments: z.tuple([]), options: z.object({}) },
  run: async ({ io, target, json }) => {
    const { openUndelivered } = await import('../../target/open-undelivered.ts')
    const { inLanes } = await import('../../../../functions/bridge/runtime/lanes.ts')
    const { describe } = await import('./describe.ts')
    const undelivered = openUndelivered(target)
    const heads = await undelivered.heads()
    const read = async (some: typeof heads) =>
      (await inLanes(some, READS, (head) => describe(undelivered, head))).filter((one) => one !== undefined)
    if (json) {
      for (let at = 0; at < heads.length; at += ROWS)
        printJsonLines(io, await read(heads.slice(at, at + ROWS)))
      return EXIT.done
    }
    if (heads.length === 0) {
      printLine(io, 'nothing is undelivered')
      return EXIT.done
    }
    const rows = (await read(heads.slice(0, ROWS))).map((one) => [
      one.id,
      one.at,
      one.table ?? '?',
      one.function ?? '?',
      one.unreadable ?? one.condition ?? '?',
      String(one.invocations ?? '?'),
      String(one.records ?? '?'),
    ])
    printTable(io, HEAD, rows)
    if (heads.length > ROWS) printLine(io, `and ${heads.length - ROWS} more`)
    return EXIT.done
  },
})
