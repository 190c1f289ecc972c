import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printFacts, printJson, printLine, toJson } from '../../conventions/results.ts'
import { describeVersion, describeWaits, parsedPayload } from './describe.ts'
import { parkableName } from './input.ts'

export const show = defineCommand({
  name: 'show',
  summary: "Shows a parked change with its payload: the customer's values are in it.",
  arguments: [
    { name: '<entity>', summary: 'such as chef, or a kept table, such as users-by-city' },
    { name: '<key>', summary: 'as the list has it' },
  ],
  writes: false,
  examples: ['backsync parked show chef 01a2017f-4a51-7745-ac17-4ad3b96278de'],
  notes: 'A change that is not parked any more is shown as it was, for 90 days.',
  input: { arguments: z.tuple([parkableName, z.string()]), options: z.object({}) },
  run: async ({ io, target, json }, { args: [entity, key] }) => {
    const { openParking } = await import('../../target/open-parking.ts')
    const entry = await openParking(target).entryOf(entity.name, key)
    if (entry === undefined)
      throw new CliError({
        code: 'parked.unknown',
        message: `${entity.name} ${key} is not parked, and was not in the last 90 days`,
        hint: `see backsync parked list --entity ${entity.name} --all`,
      })
    const { head } = entry
    const payload = parsedPayload(entry.payload)
    if (json) printJson(io, { ...head, payload })
    else {
      printFacts(io, {
        entity: head.entity,
        key: head.key,
        version: describeVersion(head),
        op: head.op,
        state: head.state,
        class: head.class,
        reason: `${head.code}: ${head.message}`,
        'waits for': head.waitsFor && describeWaits(head.waitsFor),
        'first seen': head.firstSeen,
        'last seen': head.lastSeen,
        attempts: String(head.attempts),
        'sequence number': head.sequenceNumber,
      })
      printLine(io, typeof payload === 'string' ? payload : toJson(payload, 2))
    }
    return EXIT.done
  },
})
