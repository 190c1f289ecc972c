import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { LambdaInvoker } from '../../../../functions/bridge/drivers/lambda/invoker.ts'
import { CallingWriter } from '../../../../functions/bridge/legacy-function/calling-writer.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { FunctionCaller } from '../../../../functions/bridge/ports/function-caller.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { LocalFunction } from '../../../../infra/local/lambda/function.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../../../infra/local/lambda/registry.ts'
import { startLambda } from '../../../../infra/local/lambda/server.ts'
import { variablesOf } from '../../../../infra/local/lambda/variables.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'

const FOLDER = fileURLToPath(new URL('../../../fixtures/legacy-functions', import.meta.url))

/** Functions of a team's own in front of a database of its own, and what calls them. */
export type TestFunctions = {
  readonly aurora: TestAurora
  /** Lambda's API, as the SDK has it. */
  readonly caller: FunctionCaller
  /** Writes, store and sink of one process; another `caller` stands between it and Lambda. */
  open(parts?: { readonly caller?: FunctionCaller; readonly deadline?: Deadline }): Opened
  /** How often functions were invoked so far. */
  invocations(): number
  close(): Promise<void>
}

export type Opened = {
  readonly writer: GuardedWriter
  readonly store: AuroraStore
  readonly sink: AuroraSink
  counts(): Readonly<Record<string, number>>
}

/** The ARN that a function of the tests has. */
export const arnOf = (name: string): string => `arn:aws:lambda:us-east-1:000000000000:function:${name}`

/**
 * @param functions their handlers, such as `platters.handler`, and timeouts in seconds, by their names
 * @param rewrite changes each statement on its way to the server. @default none
 */
export const openTestFunctions = async (
  entities: readonly Entity[],
  functions: Readonly<Record<string, { readonly handler: string; readonly timeout: number }>>,
  rewrite?: (sql: string) => string,
): Promise<TestFunctions> => {
  const aurora = await openTestAurora({
    owned: entities.map(({ name }) => name),
    ...(rewrite && { rewrite }),
  })
  for (const { name } of entities) await recordOwners(aurora.db, { name })
  const logs = await mkdtemp(join(tmpdir(), 'backsync-functions-'))
  const registry = new FunctionRegistry()
  for (const [name, { handler, timeout }] of Object.entries(functions)) {
    const definition = {
      ...{ name, arn: arnOf(name), folder: FOLDER, handler, timeoutSeconds: timeout, memoryMiB: 128 },
      environment: {
        CLUSTER_ARN: aurora.config.resourceArn,
        SECRET_ARN: aurora.config.secretArn,
        DATABASE_NAME: aurora.database,
      },
    }
    const nowhere = 'http://127.0.0.1:9'
    const endpoints = {
      ...{ dynamodb: nowhere, secretsManager: nowhere, sts: nowhere, s3: nowhere, lambda: nowhere },
      ...{ rdsData: aurora.api.endpoint, cloudWatch: nowhere },
    }
    registry.add(
      new LocalFunction(
        definition,
        variablesOf(definition, endpoints),
        openLogFile(join(logs, `${name}.log`), () => undefined),
      ),
    )
  }
  const lambda = await startLambda({ functions: registry })
  const client = new LambdaClient({
    endpoint: lambda.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  let invocations = 0
  const invoker = new LambdaInvoker(() => client, new Deadline())
  const caller: FunctionCaller = {
    invoke: (...of) => {
      invocations += 1
      return invoker.invoke(...of)
    },
  }
  const open: TestFunctions['open'] = ({ caller: other = caller, deadline = new Deadline() } = {}) => {
    const counted = new Map<string, number>()
    const metrics = {
      count: (name: string, _: string, n: number): void =>
        void counted.set(name, (counted.get(name) ?? 0) + n),
    }
    const calling = new CallingWriter({
      ...{ db: aurora.db, caller: other, functions: {}, deadline, metrics, log: silent },
    })
    const writer = new GuardedWriter(aurora.db, deadline, { calling })
    const store = new AuroraStore(aurora.db, writer)
    return {
      ...{ writer, store, sink: new AuroraSink(entities, { writer, store }) },
      counts: () => Object.fromEntries([...counted].filter(([, n]) => n > 0)),
    }
  }
  return {
    ...{ aurora, caller, open },
    invocations: () => invocations,
    close: async () => {
      client.destroy()
      await lambda.close()
      await registry.close()
      await rm(logs, { recursive: true, force: true })
      await aurora.close()
    },
  }
}
