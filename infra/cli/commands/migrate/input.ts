import * as z from 'zod'
import type { Flag } from '../../conventions/command.ts'
import { directFlag } from '../../conventions/direct.ts'
import { numberFlag } from '../../conventions/flags.ts'

const folder = z.string().min(1).optional()

/** Where the team's migrations are. */
export const FOLDER: { readonly flag: Flag; readonly value: typeof folder } = {
  flag: {
    flags: '--folder <path>',
    summary: 'where the migrations are (default: the folder sql of this checkout)',
  },
  value: folder,
}

export const TO = {
  flag: {
    flags: '--to <n>',
    summary: "of the team's only those with numbers up to this one, as 12 for 0012_...",
  },
  value: numberFlag('--to', 9_999, { whole: true }),
  /** Where it is what is kept: none, too. */
  orZero: z.union([z.literal('0').transform(() => 0), numberFlag('--to', 9_999, { whole: true })]),
}

export const DIRECT = directFlag(
  'the database itself, as mysql://HOST:3306, for triggers and routines (of a local stack it is known)',
)

/** How changes of tables are sent. */
export const ONLINE: { readonly flag: Flag; readonly value: z.ZodOptional<z.ZodBoolean> } = {
  flag: {
    flags: '--online',
    summary: 'add ALGORITHM=INSTANT to changes of tables, or else INPLACE with LOCK=NONE; never a copy',
  },
  value: z.boolean().optional(),
}
