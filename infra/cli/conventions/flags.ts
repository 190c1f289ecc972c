import * as z from 'zod'
import type { Flag } from './command.ts'

/** Begins a job anew: never in the command with which an interrupted one goes on. */
export const AGAIN = '--again'

/** A flag that several commands have: how it is written, and how its value is checked. */
type Shared<T> = { readonly flag: Flag; readonly value: z.ZodType<T> }

/** A number above 0, at most `most`. */
export const numberFlag = (name: string, most: number, { whole }: { readonly whole: boolean }) =>
  z.string().transform((text, context): number => {
    const n = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : Number.NaN
    if (n > 0 && n <= most && (!whole || Number.isInteger(n))) return n
    const kind = whole ? `a whole number from 1 to ${most}` : `a number above 0, at most ${most}`
    context.addIssue({ code: 'custom', message: `${name} ${JSON.stringify(text)} is not ${kind}` })
    return z.NEVER
  })

/** How fast a job may be. It also slows down by itself where DynamoDB throttles. */
export const MAX_RATE: Shared<number> = {
  flag: { flags: '--max-rate <items/s>', summary: 'at most so many items a second (default: no bound)' },
  value: numberFlag('--max-rate', 1_000_000, { whole: false }),
}

/** How late what is live may be before a job is held back; in milliseconds. */
export const MAX_LAG: Shared<number> = {
  flag: {
    flags: '--max-lag <age>',
    summary: 'hold back while stream or relay are later than so much, as 500s (default: 2s)',
  },
  get value() {
    return ageFlag('--max-lag')
  },
}

/** In how many parts a table is scanned. A job that goes on keeps those that it has begun with. */
export const SEGMENTS: Shared<number> = {
  flag: { flags: '--segments <n>', summary: 'scan the table in so many parts' },
  value: numberFlag('--segments', 1_000, { whole: true }),
}

export const CONCURRENCY: Shared<number> = {
  flag: { flags: '--concurrency <n>', summary: 'so many parts at once' },
  value: numberFlag('--concurrency', 64, { whole: true }),
}

/** Where a job is done: by the command itself, or by the stack's own functions. */
export const ON: Shared<'aws'> = {
  flag: {
    flags: '--on <where>',
    summary: 'aws: by functions of the stack, started and watched from here (default: by this process)',
  },
  value: z.literal('aws', 'say --on aws, or leave it out: then this process does it'),
}

/** Units of an age, in milliseconds. */
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** How long ago something was, as `90s`, `30m`, `2h` or `7d`; the value is in milliseconds. */
export const ageFlag = (name: string) =>
  z.string().transform((text, context): number => {
    const { n, unit } = /^(?<n>\d{1,6})(?<unit>[smhd])$/.exec(text)?.groups ?? {}
    if (n !== undefined && (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd'))
      return Number(n) * UNITS[unit]
    context.addIssue({
      code: 'custom',
      message: `${name} ${JSON.stringify(text)} is no age: a whole number and s, m, h or d, as 30m or 7d`,
    })
    return z.NEVER
  })

/** What a list is narrowed to by age. */
export const OLDER_THAN: Shared<number> = {
  flag: { flags: '--older-than <age>', summary: 'only what has been there for longer, as 30m, 2h or 7d' },
  value: ageFlag('--older-than'),
}

export const NEWER_THAN: Shared<number> = {
  flag: { flags: '--newer-than <age>', summary: 'only what has not been there for so long' },
  value: ageFlag('--newer-than'),
}
