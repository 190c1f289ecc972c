import * as z from 'zod'
import type { Flag } from './command.ts'

const url = z.string().transform((text, context): URL => {
  const at = URL.canParse(text) ? new URL(text) : undefined
  if (at?.protocol === 'mysql:' && at.hostname !== '') return at
  context.addIssue({ code: 'custom', message: '--direct is no URL such as mysql://HOST:3306' })
  return z.NEVER
})

/** Where the database itself is, for what the Data API can't do, or does slowly. */
export const directFlag = (summary: string): { readonly flag: Flag; readonly value: z.ZodType<URL> } => ({
  flag: { flags: '--direct <url>', summary },
  value: url,
})
