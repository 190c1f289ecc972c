import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LocalServer } from '../../../../infra/local/http/server.ts'
import { startSecretsManager } from '../../../../infra/local/secrets-manager/server.ts'
import { SecretStore } from '../../../../infra/local/secrets-manager/store.ts'

const store = new SecretStore()
let server: LocalServer
let client: SecretsManagerClient

const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:orders-abcdef'

beforeAll(async () => {
  server = await startSecretsManager({ store })
  client = new SecretsManagerClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  store.put({ arn, name: 'orders', value: '{"username":"root","password":"é"}' })
})
afterAll(async () => {
  client.destroy()
  await server.close()
})

describe('GetSecretValue', () => {
  it.each([[arn], ['orders']])('finds a secret by %s', async (SecretId) => {
    const { $metadata, ...answer } = await client.send(new GetSecretValueCommand({ SecretId }))
    expect(answer).toEqual({
      ARN: arn,
      Name: 'orders',
      SecretString: '{"username":"root","password":"é"}',
      VersionId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/),
      VersionStages: ['AWSCURRENT'],
      CreatedDate: expect.any(Date),
    })
    expect($metadata.requestId).toBeDefined()
  })

  it('gives a rotated secret a new version', async () => {
    store.put({ arn: `${arn}2`, name: 'second', value: 'a' })
    const first = await client.send(new GetSecretValueCommand({ SecretId: 'second' }))
    store.put({ arn: `${arn}2`, name: 'second', value: 'b' })
    const second = await client.send(new GetSecretValueCommand({ SecretId: 'second' }))
    expect([first.SecretString, second.SecretString]).toEqual(['a', 'b'])
    expect(second.VersionId).not.toBe(first.VersionId)
    await expect(
      client.send(new GetSecretValueCommand({ SecretId: 'second', VersionId: first.VersionId })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it.each([
    ['an unknown secret', { SecretId: 'unknown' }],
    ['a stage that is not kept', { SecretId: arn, VersionStage: 'AWSPREVIOUS' }],
  ])('does not find %s', async (_what, input) => {
    await expect(client.send(new GetSecretValueCommand(input))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 400 },
    })
  })

  it('refuses a request without a secret id', async () => {
    const empty = new GetSecretValueCommand({ SecretId: undefined })
    await expect(client.send(empty)).rejects.toMatchObject({ name: 'ValidationException' })
  })
})

describe('the other operations', () => {
  it('describe a secret without its value', async () => {
    const answer = await client.send(new DescribeSecretCommand({ SecretId: 'orders' }))
    expect(answer).toMatchObject({ ARN: arn, Name: 'orders' })
    expect(JSON.stringify(answer)).not.toContain('root')
  })

  it('list secrets by pages', async () => {
    store.put({ arn: `${arn}3`, name: 'third', value: 'c' })
    const names: (string | undefined)[] = []
    let NextToken: string | undefined
    do {
      const page = await client.send(new ListSecretsCommand({ MaxResults: 1, NextToken }))
      expect(page.SecretList).toHaveLength(1)
      names.push(...(page.SecretList ?? []).map(({ Name }) => Name))
      NextToken = page.NextToken
    } while (NextToken)
    expect(names).toEqual(store.list().map(({ name }) => name))
  })

  it('are refused by name when they are not there', async () => {
    const create = new CreateSecretCommand({ Name: 'x', SecretString: 'y' })
    await expect(client.send(create)).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('CreateSecret'),
    })
  })
})

it('answers a body that is not JSON with an error of its own', async () => {
  const answer = await fetch(server.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: '{',
    signal: AbortSignal.timeout(5000),
  })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('x-amzn-errortype')).toBe('SerializationException')
})
