import type { Entry } from '../conventions/command.ts'
import { backfill } from './backfill/index.ts'
import { compare } from './compare/index.ts'
import { copy } from './copy/index.ts'
import { count } from './count.ts'
import { cutover } from './cutover/index.ts'
import { init } from './init/index.ts'
import { key } from './key/index.ts'
import { migrate } from './migrate/index.ts'
import { mirror } from './mirror/index.ts'
import { owners } from './owners/index.ts'
import { parked } from './parked/index.ts'
import { repair } from './repair/index.ts'
import { replicate } from './replicate/index.ts'
import { reshape } from './reshape/index.ts'
import { resync } from './resync/index.ts'
import { status } from './status/index.ts'
import { undelivered } from './undelivered/index.ts'
import { verify } from './verify/index.ts'

/** Every command there is. A new one is a file, and a place here or in its group's list. */
export const commands: readonly Entry[] = [
  backfill,
  compare,
  copy,
  count,
  cutover,
  init,
  key,
  migrate,
  mirror,
  owners,
  parked,
  repair,
  replicate,
  reshape,
  resync,
  status,
  undelivered,
  verify,
]
