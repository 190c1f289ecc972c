/** How long something has been there, in milliseconds; what is absent is no bound. */
export type AgeRange = {
  /** For so long, or longer. */
  readonly olderThan?: number | undefined
  /** For less. */
  readonly newerThan?: number | undefined
}

/**
 * Whether the age of something is in a range. Without a bound everything is, also what a fast clock has dated into the future.
 *
 * @returns takes the time since when it has been there, ISO 8601
 */
export const ageBetween = ({ olderThan, newerThan }: AgeRange, now: Date): ((since: string) => boolean) => {
  return (since) => {
    const age = now.getTime() - Date.parse(since)
    return (olderThan === undefined || age >= olderThan) && (newerThan === undefined || age < newerThan)
  }
}
