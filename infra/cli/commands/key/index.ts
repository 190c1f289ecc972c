import * as z from 'zod'
import { faultOfKey } from '../../../../functions/bridge/model/key.ts'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { printJson } from '../../conventions/results.ts'

const keyText = z.string().superRefine((text, context) => {
  const fault = faultOfKey(text)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `the key ${fault}` })
})

const side = z.enum(['aurora', 'dynamo'], {
  error: ({ input }) => `unknown side ${String(input)}; known are aurora, dynamo`,
})

/** All that both stores know of one key, and moving it. */
export const key = defineCommand({
  name: 'key',
  summary: "Shows what both stores hold under a key, and whose it is: the customer's values are in it.",
  arguments: [
    { name: '<entity>', summary: 'such as chef' },
    { name: '<key>', summary: 'as in its paths; the id of a legacy row will do' },
  ],
  flags: [
    {
      flags: '--claim <side>',
      summary: 'move the key to "aurora" or "dynamo": writes are accepted there from now on',
    },
    { flags: '--insist', summary: 'with --claim: keep what that side holds, whatever the other one has' },
  ],
  writes: true,
  examples: [
    'backsync key chef 01a2017f-4a51-7745-ac17-4ad3b96278de',
    'backsync key chef 17 --json',
    'backsync key chef 17 --claim dynamo',
  ],
  notes: [
    'Without --claim nothing is written. The stores are read one behind the other: of a key that is being written, one may be',
    'shown as behind. The latest that is known of it is what stores and lists have a time of. Of what an event source gave up on the',
    'first 200 batches are looked at.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName, keyText]),
    options: z
      .object({ claim: side.optional(), insist: z.boolean().optional() })
      .refine(({ claim, insist }) => claim !== undefined || insist !== true, '--insist goes with --claim'),
  },
  run: async (context, { args: [entity, text], options }) => {
    const { io, target, json } = context
    const { openKeyStores } = await import('../../target/open-key-stores.ts')
    const { reportKey } = await import('../../../../functions/bridge/compare/key-report.ts')
    const { isLeft, traceKey } = await import('../../../../functions/bridge/compare/key-traces.ts')
    const { openTraces } = await import('../../target/open-traces.ts')
    const { jsonOf } = await import('./describe.ts')
    const { print } = await import('./print.ts')
    const stores = openKeyStores(target, entity)
    const moved =
      options.claim === undefined
        ? undefined
        : await (await import('./run-claim.ts')).runClaim(context, stores, {
            entity,
            key: text,
            to: options.claim,
            insists: options.insist === true,
          })
    const report = await reportKey(entity, text, stores)
    const traces = await traceKey(entity, report.key, openTraces(target))
    if (json)
      printJson(io, { ...jsonOf(entity, report, traces), ...(moved !== undefined && { claim: moved }) })
    else print(io, entity, report, traces, moved)
    const { parked, parkedOutward, conflict } = report
    const isQuiet = [parked, parkedOutward, conflict].every((one) => one === undefined)
    return report.relation === 'agree' && isQuiet && !isLeft(traces) ? EXIT.done : EXIT.differences
  },
})
