import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Kysely } from 'kysely'
import { openDirect } from '../../functions/bridge/drivers/direct/open.ts'
import { startSecretsManager } from '../../infra/local/secrets-manager/server.ts'
import { SecretStore } from '../../infra/local/secrets-manager/store.ts'
import type { TestAurora } from './aurora.ts'

/** Where a test's database is, and its login. */
export type TestLogin = Pick<TestAurora, 'host' | 'port' | 'database' | 'secrets' | 'secretArn'>

/** A direct connection to a test's database: what makes triggers. */
export type TestDirect = {
  readonly db: Kysely<unknown>
  close(): Promise<void>
}

/** @param login of another account than the test's own */
export const openTestDirect = async (
  { host, port, database, secrets: own, secretArn: ownArn }: TestLogin,
  login?: { readonly user: string; readonly password: string },
): Promise<TestDirect> => {
  const [secrets, secretArn] = login === undefined ? [own, ownArn] : [new SecretStore(), `${ownArn}-other`]
  if (login !== undefined)
    secrets.put({
      arn: secretArn,
      name: 'other',
      value: JSON.stringify({ username: login.user, password: login.password }),
    })
  const server = await startSecretsManager({ store: secrets })
  const secretsClient = new SecretsManagerClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  })
  const direct = openDirect({ secretsClient, secretArn, host, port, database })
  return {
    db: direct.db,
    close: async () => {
      await direct.close()
      secretsClient.destroy()
      await server.close()
    },
  }
}
