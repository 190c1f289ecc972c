import { createHash } from 'node:crypto'

/** When a trigger runs: before or after an insert, an update or a delete. */
export type Moment = 'bi' | 'ai' | 'bu' | 'au' | 'bd' | 'ad'

export const WHEN: Readonly<Record<Moment, string>> = {
  bi: 'BEFORE INSERT',
  ai: 'AFTER INSERT',
  bu: 'BEFORE UPDATE',
  au: 'AFTER UPDATE',
  bd: 'BEFORE DELETE',
  ad: 'AFTER DELETE',
}

/** As long as a name may be. */
const LONGEST = 64

/** The names of all triggers of the bridge begin so. */
export const TRIGGER_PREFIX = 'backsync_'

/** A name that ends with its last part, and is that of no other however long its parts are. */
export const nameOf = (parts: readonly string[], last: string): string => {
  const whole = `${TRIGGER_PREFIX}${parts.join('_')}`
  if (whole.length + 1 + last.length <= LONGEST) return `${whole}_${last}`
  const digest = createHash('sha256').update(parts.join('.')).digest('hex').slice(0, 12)
  return `${whole.slice(0, LONGEST - last.length - digest.length - 2)}_${digest}_${last}`
}
