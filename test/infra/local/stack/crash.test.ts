import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type LocalStack, startLocalStack } from '../../../../infra/local/stack.ts'
import { until } from '../streams/until.ts'
import { bridge } from './bridge.fixture.ts'
import { writeAssembly } from './fixture.ts'

describe('a stack whose servers crash', () => {
  let home: string
  let stack: LocalStack
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'backsync-crash-'))
    const assembly = await writeAssembly(join(home, 'assembly'), bridge('crash_test', 20))
    // Private servers, whatever the other tests use: these are killed.
    stack = await startLocalStack({
      home,
      assembly,
      env: { ...process.env, MYSQL_URL: '', DYNAMODB_ENDPOINT: '' },
    })
  }, 120_000)
  afterAll(async () => {
    await stack?.close()
    await rm(home, { recursive: true, force: true })
  })

  const kill = async (server: string): Promise<void> => {
    const { pid } = JSON.parse(await readFile(join(home, `${server}.pid`), 'utf8'))
    process.kill(pid, 'SIGKILL')
  }
  const list = async (): Promise<unknown> => (await fetch(`${stack.url}/things`)).json()
  const add = async (id: string): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${stack.url}/things`, {
      method: 'POST',
      body: JSON.stringify({ id }),
      headers,
    })
    expect(answer.status).toBe(201)
  }

  it('goes on when MySQL was killed, and loses no write that was made meanwhile', async () => {
    await add('before')
    await until(async () => expect(await list()).toEqual(['before']))

    await kill('mysql')
    await add('meanwhile')

    await until(async () => expect(await list()).toEqual(['before', 'meanwhile']), 30_000)
  }, 60_000)

  it('goes on when DynamoDB was killed', async () => {
    await kill('dynamodb')
    await until(() => add('x-after'), 30_000)

    await until(async () => expect(await list()).toEqual(['before', 'meanwhile', 'x-after']), 30_000)
  }, 90_000)
})
