import * as z from 'zod'
import { STAGES } from '../../../../functions/bridge/model/route.ts'
import type { Argument, Flag } from '../../conventions/command.ts'

export const ROUTE: Argument = { name: '<route>', summary: 'the entity whose route it is, such as chef' }

export const stageName = z.enum(STAGES, {
  error: ({ input }) => `unknown stage ${String(input)}; known are ${STAGES.join(', ')}`,
})

const percent = z.string().transform((text, context): number => {
  if (/^\d{1,3}(\.\d{1,2})?$/.test(text)) return Number(text)
  context.addIssue({
    code: 'custom',
    message: `--percent ${JSON.stringify(text)} is not 0 to 100, in hundredths`,
  })
  return z.NEVER
})
const keys = z.string().transform((text) => text.split(',').filter((key) => key !== ''))

export const PLACEMENT: readonly Flag[] = [
  { flags: '--percent <n>', summary: 'the share of keys that belong to DynamoDB, of a route that is live' },
  {
    flags: '--allow <keys>',
    summary: 'keys that belong there whatever the share, with commas between; "" for none',
  },
  { flags: '--deny <keys>', summary: 'keys that stay Aurora’s whatever the share; "" for none' },
]
export const placement = { percent: percent.optional(), allow: keys.optional(), deny: keys.optional() }

export const WHY: Flag = { flags: '--why <text>', summary: 'the reason, for the history' }
export const FORCE: Flag = {
  flags: '--force',
  summary: 'move although gates are closed: needs --why, and the history says which they were',
}
const reason = z.string().min(1).max(500)

export const why = { why: reason.optional() }
export const forced = { ...why, force: z.boolean().optional() }

export const requireReason = [
  ({ force, why: given }: { readonly force?: boolean | undefined; readonly why?: string | undefined }) =>
    force !== true || given !== undefined,
  '--force needs --why',
] as const
