/** For so long after an item was lifted its entity's writers are taken for such that don't count, in milliseconds. */
const LONG = 24 * 3600 * 1000

/**
 * How an entity's writers behave: `counting`, each makes the version larger; `careless`, some put anew, restore or step back, so
 * that items had to be lifted within the last day. Of these no key is to be moved for good: what such a writer was told to be
 * written may be at a smaller version than what the other side has.
 *
 * @param lifted when an item was lifted last, ISO 8601 in UTC; undefined: never
 */
export const writersOf = (lifted: string | undefined, now: Date): 'counting' | 'careless' =>
  lifted !== undefined && now.getTime() - Date.parse(lifted) < LONG ? 'careless' : 'counting'
