import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { localTarget } from '../../../../infra/cli/target/local.ts'
import { outputOf } from '../../../../infra/cli/target/target.ts'
import { acquireLock } from '../../../../infra/local/processes/lock.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

const facts = {
  endpoints: {
    dynamodb: 'http://127.0.0.1:1',
    rdsData: 'http://127.0.0.1:2',
    secretsManager: 'http://127.0.0.1:3',
  },
  outputs: { ParkingTableName: 'Parking', Odd: { Ref: 'x' } },
}

describe('the local stack as a target', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await makeFolder()
  })
  afterEach(() => folder.remove())
  const write = (text: string): Promise<void> => writeFile(join(folder.path, 'stack.json'), text)

  it('is found by its stack.json, and its servers are where the SDK looks for them', async () => {
    const lock = await acquireLock(join(folder.path, 'stack.lock'))
    await write(JSON.stringify(facts))
    const env: NodeJS.ProcessEnv = {
      BACKSYNC_HOME: folder.path,
      AWS_PROFILE: 'prod',
      AWS_SESSION_TOKEN: 'token',
      AWS_ACCESS_KEY_ID: 'AKIAREAL',
    }

    const target = await localTarget(env)

    expect(target).toMatchObject({ name: 'local', outputs: { ParkingTableName: 'Parking' } })
    expect(outputOf(target, 'ParkingTableName')).toBe('Parking')
    expect(() => outputOf(target, 'Odd')).toThrow(/the local stack in .* has no output Odd/)
    expect(env).toEqual({
      BACKSYNC_HOME: folder.path,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_DYNAMODB_STREAMS: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_RDS_DATA: 'http://127.0.0.1:2',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:3',
    })
    await lock.release()
  })

  it('has STS where its runtime has, and never asks the one of AWS', async () => {
    const lock = await acquireLock(join(folder.path, 'stack.lock'))
    const env = { BACKSYNC_HOME: folder.path, AWS_ENDPOINT_URL_STS: 'https://sts.example' }
    await write(JSON.stringify(facts))
    await localTarget(env)
    expect(env.AWS_ENDPOINT_URL_STS).toBeUndefined()

    await write(JSON.stringify({ ...facts, endpoints: { ...facts.endpoints, sts: 'http://127.0.0.1:4' } }))
    await localTarget(env)
    expect(env.AWS_ENDPOINT_URL_STS).toBe('http://127.0.0.1:4')
    await lock.release()
  })

  it.each<[string, boolean, string | undefined]>([
    ['nothing is there', false, undefined],
    ['a killed stack left its file behind', false, JSON.stringify(facts)],
    ['the stack is only starting', true, undefined],
  ])('does not run when %s', async (_, locked, text) => {
    const lock = locked ? await acquireLock(join(folder.path, 'stack.lock')) : undefined
    if (text !== undefined) await write(text)
    const env = { BACKSYNC_HOME: folder.path }

    await expect(localTarget(env)).rejects.toMatchObject({
      code: 'target.not-running',
      message: `no stack runs in ${folder.path}`,
      hint: expect.stringContaining('npm start'),
      exit: 1,
    })
    expect(env).toEqual({ BACKSYNC_HOME: folder.path })
    await lock?.release()
  })

  it.each(['{', '[]', '{"endpoints":{}}'])('is refused by name when its file is %s', async (text) => {
    const lock = await acquireLock(join(folder.path, 'stack.lock'))
    await write(text)
    await expect(localTarget({ BACKSYNC_HOME: folder.path })).rejects.toMatchObject({
      code: 'target.unreadable',
    })
    await lock.release()
  })
})
