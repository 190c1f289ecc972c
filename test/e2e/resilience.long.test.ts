import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { identifyProcess } from '../../infra/local/processes/identity.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call, type RunningStack, runStack, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

const pidFile = z.object({ pid: z.number() })

/** What a private server's own pid file says; a server that somebody else runs isn't ours to kill. */
const pidOf = (home: string, server: 'mysql' | 'dynamodb'): number =>
  pidFile.parse(JSON.parse(readFileSync(join(home, `${server}.pid`), 'utf8'))).pid

describe('a stack with servers of its own', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  const started: RunningStack[] = []

  const start = async (): Promise<void> => {
    stack = await runStack(folder.path, { MYSQL_URL: '', DYNAMODB_ENDPOINT: '' })
    started.push(stack)
  }

  beforeAll(async () => {
    folder = await makeFolder()
    await start()
  }, 150_000)
  afterEach(async () => {
    const { status } = await call(`${stack.url}/aurora/chefs`)
    expect(status).toBe(200)
  })
  afterAll(async () => {
    for (const one of started) await one.stop()
    await folder.remove()
  }, 60_000)

  const create = async (firstName: string): Promise<string> => {
    const reply = await send('POST', `${stack.url}/dynamo/chefs`, { firstName, lastName: 'Test' })
    expect(reply.status).toBe(201)
    return String(reply.json().chefId)
  }

  const inAurora = (chefId: string): Promise<void> =>
    until(
      `${chefId} is in Aurora`,
      60_000,
      async () => (await call(`${stack.url}/aurora/chefs/${chefId}`)).status === 200,
    )

  it('loses no write when MySQL is killed, and needs no restart', async () => {
    await inAurora(await create('before'))
    process.kill(pidOf(folder.path, 'mysql'), 'SIGKILL')
    const during: string[] = []
    for (let at = 0; at < 10; at++) during.push(await create(`during ${at}`))
    const answers = await Promise.all(
      Array.from({ length: 3 }, () =>
        send('POST', `${stack.url}/aurora/chefs`, { firstName: 'legacy', lastName: 'x' }),
      ),
    )

    for (const chefId of during) await inAurora(chefId)
    // A legacy write during the outage either succeeded, and is there, or was refused as unavailable.
    for (const answer of answers) {
      expect([201, 503]).toContain(answer.status)
      if (answer.status === 201) await inAurora(String(answer.json().chefId))
    }
  }, 90_000)

  it('loses no write when DynamoDB is killed', async () => {
    process.kill(pidOf(folder.path, 'dynamodb'), 'SIGKILL')
    await until(
      'the modern API answers again',
      30_000,
      async () => (await call(`${stack.url}/dynamo/chefs`)).status === 200,
    )

    await inAurora(await create('after'))
  }, 90_000)

  it('goes on where it was when the whole runtime is killed', async () => {
    const chefId = await create('survivor')
    const orphans = [pidOf(folder.path, 'mysql'), pidOf(folder.path, 'dynamodb')]
    process.kill(stack.pid, 'SIGKILL')
    await until('the runtime is gone', 10_000, async () => (await identifyProcess(stack.pid)) === undefined)
    await start()

    await inAurora(chefId)
    expect((await call(`${stack.url}/dynamo/chefs/${chefId}`)).status).toBe(200)
    expect(await Promise.all(orphans.map(identifyProcess))).toEqual([undefined, undefined])
  }, 150_000)

  it('stops with all its children on SIGTERM, and keeps the data for the next start', async () => {
    const chefId = await create('kept')
    await inAurora(chefId)
    const children = [pidOf(folder.path, 'mysql'), pidOf(folder.path, 'dynamodb')]

    expect(await stack.stop()).toBe(0)
    expect(await Promise.all(children.map(identifyProcess))).toEqual([undefined, undefined])
    await start()
    await inAurora(chefId)
  }, 150_000)
})
