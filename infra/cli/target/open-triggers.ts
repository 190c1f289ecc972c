import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Kysely } from 'kysely'
import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import { type Direct, openDirect } from '../../../functions/bridge/drivers/direct/open.ts'
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

/**
 * The database itself.
 *
 * @param url where it is; a login in it takes the place of the stack's
 * @returns undefined where nobody knows where it is
 */
export const openDirectTriggers = (target: Target, url: URL | undefined): Direct<unknown> | undefined => {
  const at = url ?? (target.direct === undefined ? undefined : new URL(`mysql://${target.direct}`))
  if (at === undefined) return undefined
  const login =
    at.username === ''
      ? undefined
      : { username: decodeURIComponent(at.username), password: decodeURIComponent(at.password) }
  return openDirect({
    secretsClient: new SecretsManagerClient({}),
    secretArn: outputOf(target, 'SecretArn'),
    host: at.hostname.replace(/^\[|\]$/g, ''),
    port: at.port === '' ? undefined : Number(at.port),
    database: outputOf(target, 'DatabaseName'),
    login,
  })
}
