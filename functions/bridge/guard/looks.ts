import { BridgeError } from '../model/errors.ts'

/** How often was looked, and how often that was bad. */
export type Looks = { readonly looks: number; readonly bad: number }

/** What was seen of a signal in one interval. */
export type SeenInterval = {
  /** What the new side answered, or, below `live`, all of it. */
  readonly cohort: Looks
  /** What the old side answered in the same interval; absent where all is the cohort's. */
  readonly control?: Looks | undefined
}

/** Figures that can't be: whoever counts them is wrong, and nothing is to be judged by them. */
export class GuardInputError extends BridgeError {
  override readonly name = 'GuardInputError'
  readonly code = 'guard.no-such-count'
  readonly kind = 'data'
}

export const NOTHING_SEEN: Looks = { looks: 0, bad: 0 }

/** @param what whose they are, for the message @throws GuardInputError for what nobody can have counted */
export const checkedLooks = (what: string, { looks, bad }: Looks): Looks => {
  for (const [name, count] of Object.entries({ looks, bad }))
    if (!Number.isSafeInteger(count) || count < 0)
      throw new GuardInputError(`${what}: ${name} is ${count}, and no number of things that were seen`)
  if (bad > looks) throw new GuardInputError(`${what}: ${bad} of ${looks} looks were bad, which can't be`)
  return { looks, bad }
}

export const sumOf = (one: Looks, other: Looks): Looks => ({
  looks: one.looks + other.looks,
  bad: one.bad + other.bad,
})

/** The share that was bad; 0 where nothing was looked at. */
export const rateOf = ({ looks, bad }: Looks): number => (looks === 0 ? 0 : bad / looks)
