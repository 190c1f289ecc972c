import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type DynamoDbServer, startDynamoDb } from '../../../../infra/local/dynamodb/server.ts'
import { identifyProcess } from '../../../../infra/local/processes/identity.ts'
import { findFreePort } from '../../../../infra/local/processes/port.ts'
import { waitFor } from '../../../../infra/local/processes/wait.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

/** The private server is what is tested here, so the address of another one does not count. */
const { DYNAMODB_ENDPOINT: _, ...env } = process.env

/** One whole life of a server, in the order of the tests. */
describe('a private server', () => {
  let folder: TemporaryFolder
  let home: string
  let server: DynamoDbServer
  const lines: string[] = []
  const log = (line: string): number => lines.push(line)

  beforeAll(async () => {
    folder = await makeFolder()
    home = join(folder.path, 'a home')
    server = await startDynamoDb({ home, log, env })
  }, 60_000)

  afterAll(async () => {
    await server?.stop()
    await folder?.remove()
  })

  const withClient = async <T>(use: (client: DynamoDBClient) => Promise<T>): Promise<T> => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const client = new DynamoDBClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    })
    try {
      return await use(client)
    } finally {
      client.destroy()
    }
  }
  const put = (id: string): Promise<unknown> =>
    withClient((client) => client.send(new PutItemCommand({ TableName: 'chef', Item: { id: { S: id } } })))
  const has = (id: string): Promise<boolean> =>
    withClient(async (client) => {
      const answer = await client.send(new GetItemCommand({ TableName: 'chef', Key: { id: { S: id } } }))
      return answer.Item !== undefined
    })

  it('keeps tables and items', async () => {
    await withClient((client) =>
      client.send(
        new CreateTableCommand({
          TableName: 'chef',
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
          StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
        }),
      ),
    )
    await put('1')

    expect(await has('1')).toBe(true)
    expect(await has('2')).toBe(false)
    expect(server).toMatchObject({ endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) })
  })

  it('refuses a second server on the same data', async () => {
    const failure = startDynamoDb({ home, log, env })

    await expect(failure).rejects.toMatchObject({ code: 'dynamodb.already-running' })
    await expect(failure).rejects.toThrow(`process ${process.pid}`)
  })

  it('comes back on the same port with its data when it is killed', async () => {
    const before = server.pid
    await put('2')

    process.kill(before ?? 0, 'SIGKILL')

    const back = await waitFor(() => has('2'), { withinMs: 60_000, everyMs: 50 })
    expect(back).toEqual({ ok: true, value: true })
    expect(server.pid).not.toBe(before)
    expect(lines.some((line) => line.includes('ended by itself'))).toBe(true)
  }, 90_000)

  it('leaves no process behind when it is stopped, and has its data and its port at the next start', async () => {
    const { pid, endpoint } = server
    await server.stop()
    expect(await identifyProcess(pid ?? 0)).toBeUndefined()

    server = await startDynamoDb({ home, log, env })

    expect(server.endpoint).toBe(endpoint)
    expect(await has('1')).toBe(true)
  }, 60_000)

  it('refuses data of the other kind', async () => {
    await server.stop()
    await writeFile(join(home, 'dynamodb', 'backsync-server'), 'another kind')

    await expect(startDynamoDb({ home, log, env })).rejects.toMatchObject({ code: 'dynamodb.other-kind' })
  })
})

describe('the server of DYNAMODB_ENDPOINT', () => {
  const use = (endpoint: string): Promise<DynamoDbServer> =>
    startDynamoDb({ home: '/nowhere', log: () => {}, env: { DYNAMODB_ENDPOINT: endpoint } })

  it('is used before any other, and left alone', async () => {
    const endpoint = process.env.TEST_DYNAMODB_ENDPOINT ?? ''
    const server = await use(`${endpoint}/`)

    expect(server).toMatchObject({ endpoint, kind: 'external', pid: undefined })
    await server.stop()
    expect((await use(endpoint)).endpoint).toBe(endpoint)
  })

  it('is named when it does not answer', async () => {
    const endpoint = `http://127.0.0.1:${await findFreePort()}`

    await expect(use(endpoint)).rejects.toMatchObject({
      code: 'dynamodb.unreachable',
      message: expect.stringContaining(endpoint),
    })
  })

  it.each(['localhost', '127.0.0.1:8000', 'ftp://127.0.0.1'])(
    'must be a url, unlike %j',
    async (endpoint) => {
      await expect(use(endpoint)).rejects.toMatchObject({ code: 'dynamodb.bad-endpoint' })
    },
  )
})
