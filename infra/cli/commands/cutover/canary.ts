import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { ROUTE } from './input.ts'

const body = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: '--body is not JSON' })
    return z.NEVER
  }
})

export const canary = defineCommand({
  name: 'canary',
  summary: 'Proves the way: a key of its own goes to DynamoDB, to Aurora and back, and is deleted.',
  arguments: [ROUTE],
  flags: [{ flags: '--body <json>', summary: 'its content (default: the example of the definition)' }],
  writes: true,
  examples: [
    'backsync cutover canary chef',
    'backsync cutover canary chef --body {"firstName":"Can","lastName":"Ary"} --yes',
  ],
  notes: [
    'It goes by the stream, by two claims and, of what is mirrored, by the relay; the longest of these ways takes as long as the relay’s',
    'schedule. What refers to others needs a body that names one that is there. The gates of "cutover set" ask for it.',
  ].join('\n'),
  input: { arguments: z.tuple([entityName]), options: z.object({ body: body.optional() }) },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-canary.ts')).runCanaryCommand(context, entity, options.body),
})
