import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalFunction } from '../../infra/local/lambda/function.ts'
import { openLogFile } from '../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../infra/local/lambda/registry.ts'
import { startLambda } from '../../infra/local/lambda/server.ts'
import { variablesOf } from '../../infra/local/lambda/variables.ts'
import { startSecretsManager } from '../../infra/local/secrets-manager/server.ts'
import { SecretStore } from '../../infra/local/secrets-manager/store.ts'
import type { TestAurora } from './aurora.ts'
import { makeFolder } from './folder.ts'

const HANDLER = new URL('../../functions/operations/run-statement.ts', import.meta.url).href

/** Lambda, with the function that runs statements on a test's database. */
export type StatementFunction = {
  readonly name: string
  /** Of Lambda. */
  readonly endpoint: string
  close(): Promise<void>
}

/** @param timeoutSeconds of the function */
export const startStatementFunction = async (
  { host, port, database, secrets, secretArn, config }: TestAurora,
  timeoutSeconds = 30,
): Promise<StatementFunction> => {
  const folder = await makeFolder()
  await writeFile(join(folder.path, 'index.mjs'), `export { handler } from ${JSON.stringify(HANDLER)}`)
  // As RDS does with a secret that is attached to a cluster.
  const attached = new SecretStore()
  const known = JSON.parse(secrets.get(secretArn)?.value ?? '{}')
  attached.put({ arn: secretArn, name: 'attached', value: JSON.stringify({ ...known, host, port }) })
  const server = await startSecretsManager({ store: attached })
  const name = 'StatementRunner'
  const definition = {
    ...{ name, arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`, folder: folder.path },
    ...{ handler: 'index.handler', timeoutSeconds, memoryMiB: 512 },
    environment: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: secretArn, DATABASE_NAME: database },
  }
  const nowhere = 'http://127.0.0.1:9'
  const variables = variablesOf(definition, {
    ...{
      dynamodb: nowhere,
      rdsData: nowhere,
      sts: nowhere,
      s3: nowhere,
      lambda: nowhere,
      cloudWatch: nowhere,
    },
    secretsManager: server.endpoint,
  })
  const functions = new FunctionRegistry()
  functions.add(
    new LocalFunction(
      definition,
      variables,
      openLogFile(join(folder.path, `${name}.log`), () => undefined),
    ),
  )
  const lambda = await startLambda({ functions })
  return {
    ...{ name, endpoint: lambda.endpoint },
    close: async () => {
      await lambda.close()
      await functions.close()
      await server.close()
      await folder.remove()
    },
  }
}
