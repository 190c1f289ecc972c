import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { LOCAL_CREDENTIALS } from '../../../../infra/local/lambda/variables.ts'
import { startSts } from '../../../../infra/local/sts/server.ts'

const NOW = Date.parse('2026-11-22T09:00:00.000Z')
const RoleArn = 'arn:aws:iam::222222222222:role/ops/copy'

describe('the local STS', () => {
  let server: LocalServer
  let client: STSClient
  beforeAll(async () => {
    server = await startSts({ now: () => NOW })
    client = new STSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })

  it('lets the SDK assume a role, with credentials that see the same tables and end in time', async () => {
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'backsync', DurationSeconds: 900 })
    const { Credentials, AssumedRoleUser, $metadata } = await client.send(command)

    expect(Credentials).toEqual({
      AccessKeyId: LOCAL_CREDENTIALS.accessKeyId,
      SecretAccessKey: LOCAL_CREDENTIALS.secretAccessKey,
      SessionToken: expect.stringMatching(/^[\w+/]{64}$/),
      Expiration: new Date(NOW + 900_000),
    })
    expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::222222222222:assumed-role/copy/backsync')
    expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('gives an hour where nothing else is asked for', async () => {
    const { Credentials } = await client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'backsync' }))

    expect(Credentials?.Expiration).toEqual(new Date(NOW + 3_600_000))
  })

  it.each([
    ['RoleArn', { RoleArn: 'arn:aws:iam::1:user/<me>' }],
    ['RoleSessionName', { RoleSessionName: 'two words' }],
    ['DurationSeconds', { DurationSeconds: 60 }],
  ])('refuses a %s that STS would refuse, by its name', async (name, wrong) => {
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'backsync', ...wrong })

    await expect(client.send(command)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining(`'${name}'`),
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    })
  })

  it('says what it does not know', async () => {
    await expect(client.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      name: 'InvalidAction',
      message: "The local STS does not know the action 'GetCallerIdentity'.",
    })
  })
})
