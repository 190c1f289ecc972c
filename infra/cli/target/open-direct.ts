import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type Direct, openDirect } from '../../../functions/bridge/drivers/direct/open.ts'
import { outputOf, type Target } from './target.ts'

/**
 * The database itself.
 *
 * @param url where it is; a login in it takes the place of the stack's
 * @returns undefined where nobody knows where it is
 */
export const openDirectDatabase = (target: Target, url: URL | undefined): Direct<unknown> | undefined => {
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
