import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { openAccount } from '../../../../functions/bridge/copy/role-client.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { type LocalServer, listen } from '../../../../infra/local/http/server.ts'
import { type FaultyDynamo, startFaultyDynamo } from '../jobs/faulty-dynamo.ts'
import { itemsOf, type JobTables, openJobTables } from '../jobs/job-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

const ROLE = 'arn:aws:iam::123456789012:role/copy'
const OTHER_ROLE = 'arn:aws:iam::210987654321:role/copy'
const SETTINGS = [
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
]

let tables: JobTables
let sts: LocalServer & { readonly asked: URLSearchParams[]; seconds: number; refuses: boolean }
let dynamo: FaultyDynamo
const before = new Map(SETTINGS.map((name) => [name, process.env[name]]))

beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())
beforeEach(async () => {
  sts = await startSts()
  dynamo = await startFaultyDynamo(() => 'none')
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_STS: sts.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'OWNKEY',
    AWS_SECRET_ACCESS_KEY: 'secret',
  })
})
afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await sts.close()
  await dynamo.close()
})

/** An STS that gives each role a key of its own, numbered by how often it was asked. */
const startSts = async () => {
  const asked: URLSearchParams[] = []
  const server = await listen({
    handler: async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const form = new URLSearchParams(body)
      asked.push(form)
      const account = form.get('RoleArn')?.split(':')[4]
      response.writeHead(own.refuses ? 403 : 200, { 'content-type': 'text/xml' })
      response.end(
        own.refuses
          ? `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
          : `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
              <AccessKeyId>KEY${account}N${asked.length}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
              <SessionToken>token-of-${account}</SessionToken>
              <Expiration>${new Date(Date.now() + own.seconds * 1000).toISOString()}</Expiration>
            </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      )
    },
  })
  const own = { ...server, asked, seconds: 3600, refuses: false }
  return own
}

/** Access key, region and session token of the calls that DynamoDB got. */
const signedBy = ({ seen }: FaultyDynamo): string[] => [
  ...new Set(
    seen.map(({ headers }) => {
      const [, key, region] = /Credential=(\w+)\/\d+\/([\w-]+)\//.exec(headers.authorization ?? '') ?? []
      return `${key} ${region} ${headers['x-amz-security-token']}`
    }),
  ),
]

const copyWith = async (
  source: Parameters<typeof openAccount>[0],
  destination: Parameters<typeof openAccount>[0],
) => {
  const [from, to] = [await tables.create(), await tables.create()]
  await tables.put(from, itemsOf(30))
  const clients = { source: openAccount(source), destination: openAccount(destination) }
  try {
    return await planAndCopy(
      {
        sourceTableName: from,
        destinationTableName: to,
        cleanupDestinationTable: false,
        migrate: true,
        segments: 1,
      },
      { clients, jobs: tables.jobs(), deadline: new Deadline(), by: 'a test' },
    )
  } finally {
    clients.source.destroy()
    clients.destination.destroy()
  }
}

describe('a table in another account', () => {
  it('is reached with the role’s credentials, each side with its own', async () => {
    const report = await copyWith({ roleArn: ROLE }, { roleArn: OTHER_ROLE, region: 'eu-west-1' })

    expect(report).toMatchObject({ copied: 30, equal: true })
    expect(
      sts.asked.map((form) => [form.get('Action'), form.get('RoleArn'), form.get('RoleSessionName')]),
    ).toEqual([
      ['AssumeRole', ROLE, 'backsync'],
      ['AssumeRole', OTHER_ROLE, 'backsync'],
    ])
    expect(signedBy(dynamo)).toEqual([
      'KEY123456789012N1 us-east-1 token-of-123456789012',
      'KEY210987654321N2 eu-west-1 token-of-210987654321',
    ])
  })

  it('is reached with the caller’s own credentials where no role is given', async () => {
    await copyWith({}, { region: 'eu-west-1' })

    expect(sts.asked).toEqual([])
    expect(signedBy(dynamo)).toEqual(['OWNKEY us-east-1 undefined', 'OWNKEY eu-west-1 undefined'])
  })

  it('gets new credentials before the old ones expire', async () => {
    // The SDK asks again in the last minutes; these are in theirs from the start.
    sts.seconds = 60
    await copyWith({ roleArn: ROLE }, {})

    expect(sts.asked.length).toBeGreaterThan(1)
    expect(signedBy(dynamo).filter((key) => key.startsWith('KEY')).length).toBeGreaterThan(1)
  })

  it('that refuses the role is named, and nothing is written', async () => {
    sts.refuses = true

    await expect(copyWith({ roleArn: ROLE }, {})).rejects.toMatchObject({
      code: 'role.not-assumed',
      kind: 'configuration',
      message: expect.stringContaining(ROLE),
    })
    expect(dynamo.seen).toEqual([])
  })
})
