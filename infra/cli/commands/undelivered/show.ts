import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printFacts, printJson, printLine, toJson } from '../../conventions/results.ts'

export const show = defineCommand({
  name: 'show',
  summary: "Shows a batch with its records: the customer's values are in it.",
  arguments: [{ name: '<id>', summary: 'as the list has it' }],
  writes: false,
  examples: ['backsync undelivered show 2026-11-22T10.00.00-0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d'],
  input: { arguments: z.tuple([z.string()]), options: z.object({}) },
  run: async ({ io, target, json }, { args: [id] }) => {
    const { openUndelivered } = await import('../../target/open-undelivered.ts')
    const { headsOf } = await import('./input.ts')
    const { describeBatch } = await import('../../../../functions/bridge/undelivered/select-batches.ts')
    const undelivered = openUndelivered(target)
    const [head] = await headsOf(undelivered, [id])
    const described = head && (await describeBatch(undelivered, head))
    const text = head && (await undelivered.text(head))
    if (head === undefined || described === undefined || text === undefined)
      throw new CliError({
        code: 'undelivered.unknown',
        message: `${id} was ended in the meantime`,
        hint: 'see backsync undelivered list',
      })
    if (described.unreadable !== undefined) {
      if (json) printJson(io, { ...described, text })
      else {
        printFacts(io, {
          id: head.id,
          object: head.key,
          'filed at': head.at,
          unreadable: described.unreadable,
        })
        printLine(io, text)
      }
      return EXIT.done
    }
    const batch = await undelivered.read(head)
    if (json) printJson(io, { ...described, ...batch })
    else {
      printFacts(io, {
        id: head.id,
        object: head.key,
        'given up at': batch?.at,
        table: batch?.table,
        stream: batch?.streamArn,
        shard: batch?.shard,
        function: batch?.functionName,
        reason: batch?.condition,
        invocations: String(batch?.invocations),
        'sequence numbers': `${batch?.firstSequenceNumber ?? '?'} to ${batch?.lastSequenceNumber ?? '?'}`,
        records: String(batch?.records.length),
      })
      for (const record of batch?.records ?? []) printLine(io, toJson(record, 2))
    }
    return EXIT.done
  },
})
