import { secondsIn } from '../env-seconds.ts'
import type { MappingSettings } from './settings.ts'

/** The variables that say how long streams keep their records, and how old those get before they are given up, in seconds. */
const RETENTION = 'BACKSYNC_STREAM_RETENTION'
const RECORD_AGE = 'BACKSYNC_RECORD_AGE'

/**
 * What the environment says of all event source mappings: days, run as seconds.
 *
 * @throws Error naming the variable that is no whole number of seconds
 */
export const mappingsIn = (
  env: NodeJS.ProcessEnv,
): Partial<Pick<MappingSettings, 'retentionSeconds' | 'maximumRecordAgeSeconds'>> => {
  const retentionSeconds = secondsIn(env, RETENTION)
  const maximumRecordAgeSeconds = secondsIn(env, RECORD_AGE)
  return {
    ...(retentionSeconds !== undefined && { retentionSeconds }),
    ...(maximumRecordAgeSeconds !== undefined && { maximumRecordAgeSeconds }),
  }
}
