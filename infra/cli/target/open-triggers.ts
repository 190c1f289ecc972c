import type { Kysely } from 'kysely'
import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { outputOf, type Target } from './target.ts'

/** A stack's database over the Data API: what triggers there are can be asked so, too. */
export const openTriggers = (target: Target): Kysely<unknown> =>
  openDatabase(
    {
      CLUSTER_ARN: outputOf(target, 'ClusterArn'),
      SECRET_ARN: outputOf(target, 'SecretArn'),
      DATABASE_NAME: outputOf(target, 'DatabaseName'),
    },
    new Deadline(),
  )
