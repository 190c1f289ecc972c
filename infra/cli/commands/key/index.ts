import * as z from 'zod'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { faultOfKey } from '../../../../functions/bridge/model/key.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { defineCommand } from '../../conventions/command.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printFacts, printJson, printLine, toJson } from '../../conventions/results.ts'

const entityName = z.string().transform((name, context): Entity => {
  const found = entities.find((one) => one.name === name)
  if (found !== undefined) return found
  const known = entities.map((one) => one.name).join(', ')
  const all = known === '' ? 'none is defined' : `known are ${known}`
  context.addIssue({ code: 'custom', message: `unknown entity ${name}; ${all}` })
  return z.NEVER
})

const keyText = z.string().superRefine((text, context) => {
  const fault = faultOfKey(text)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `the key ${fault}` })
})

/** All that both stores know of one key. */
export const key = defineCommand({
  name: 'key',
  summary: "Shows what both stores hold under a key, and where they differ: the customer's values are in it.",
  arguments: [
    { name: '<entity>', summary: 'such as chef' },
    { name: '<key>', summary: 'as in its paths; the id of a legacy row will do' },
  ],
  writes: false,
  examples: ['backsync key chef 01a2017f-4a51-7745-ac17-4ad3b96278de', 'backsync key chef 17 --json'],
  notes:
    'The stores are read one behind the other: of a key that is being written, one may be shown as behind.',
  input: { arguments: z.tuple([entityName, keyText]), options: z.object({}) },
  run: async ({ io, target, json }, { args: [entity, text] }) => {
    const { openKeyStores } = await import('../../target/open-key-stores.ts')
    const { reportKey } = await import('../../../../functions/bridge/compare/key-report.ts')
    const { describeHolding, describeParked, jsonOf, nextStep } = await import('./describe.ts')
    const report = await reportKey(entity, text, openKeyStores(target, entity))
    if (json) printJson(io, jsonOf(entity, report))
    else {
      const { aurora, dynamo, differing, parked } = report
      printFacts(io, {
        entity: report.entity,
        key: report.key,
        aurora: describeHolding(aurora),
        dynamo: describeHolding(dynamo),
        relation: report.relation,
        differing: differing.length === 0 ? undefined : differing.join(', '),
        parked: parked && describeParked(parked),
        next: nextStep(report),
      })
      const shown = jsonOf(entity, report)
      for (const side of ['aurora', 'dynamo'] as const)
        if ('row' in shown[side]) printLine(io, `${side} ${toJson(shown[side].row)}`)
    }
    return report.relation === 'agree' && report.parked === undefined ? EXIT.done : EXIT.differences
  },
})
