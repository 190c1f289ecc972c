import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { wakeRelay } from '../../../../infra/cli/target/wake-relay.ts'
import { LocalFunction } from '../../../../infra/local/lambda/function.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../../../infra/local/lambda/registry.ts'
import { startLambda } from '../../../../infra/local/lambda/server.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { until } from '../../../support/until.ts'

describe('the relay of a stack whose triggers were made', () => {
  let folder: TemporaryFolder
  let lambda: Awaited<ReturnType<typeof startLambda>>
  const functions = new FunctionRegistry()
  const before = { ...process.env }
  const environment = (endpoint: string): void => {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    })
  }
  beforeAll(async () => {
    folder = await makeFolder()
    const seen = JSON.stringify(join(folder.path, 'seen.json'))
    await writeFile(
      join(folder.path, 'index.mjs'),
      `import { writeFileSync } from 'node:fs'
      export const handler = async (event) => writeFileSync(${seen}, JSON.stringify(event))`,
    )
    const definition = {
      name: 'Relay',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Relay',
      folder: folder.path,
      ...{ handler: 'index.handler', timeoutSeconds: 10, memoryMiB: 128, environment: {} },
    }
    functions.add(
      new LocalFunction(
        definition,
        {},
        openLogFile(join(folder.path, 'relay.log'), () => undefined),
      ),
    )
    lambda = await startLambda({ functions })
  })
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  })
  afterAll(async () => {
    await lambda.close()
    await functions.close()
    await folder.remove()
  })

  it('is invoked once, without being waited for, and hears who has woken it', async () => {
    environment(lambda.endpoint)
    expect(await wakeRelay({ outputs: { RelayFunctionName: 'Relay' } })).toBeUndefined()

    const seen = () => readFile(join(folder.path, 'seen.json'), 'utf8').catch(() => '')
    await until('the relay has run', 10_000, async () => (await seen()).endsWith('}'))
    expect(JSON.parse(await seen())).toEqual({ wokenBy: 'backsync mirror install' })
  })

  it('is left alone where the stack has none', async () => {
    environment('http://127.0.0.1:9')
    expect(await wakeRelay({ outputs: {} })).toBeUndefined()
  })

  it.each([
    ['it is not there', () => lambda.endpoint, 'Nobody', /Nobody/],
    ['Lambda is not there', () => 'http://127.0.0.1:9', 'Relay', /Relay/],
  ])('is told of where %s: its schedule does it then', async (_, endpoint, relay, said) => {
    environment(endpoint())
    expect(await wakeRelay({ outputs: { RelayFunctionName: relay } })).toMatch(said)
  })
})
